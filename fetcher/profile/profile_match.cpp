// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_match.h"

#include <algorithm>

namespace weft::fetcher {

std::vector<DigestKey> keys_of(const BootProfile& profile) {
  std::vector<DigestKey> keys;
  keys.reserve(profile.entries.size());
  for (const ProfileEntry& entry : profile.entries)
    keys.push_back(entry.key);
  std::ranges::sort(keys);
  return keys;
}

std::optional<double> part_held(std::span<const DigestKey> keys, const Signature& signature) {
  const auto end = std::ranges::upper_bound(keys, last_key(signature.shift));
  const auto compared = static_cast<std::size_t>(end - keys.begin());
  const bool all = compared == keys.size() && signature.is_full();
  if (compared == 0 || (compared < least_keys_compared && !all)) return std::nullopt;
  std::size_t held = 0;
  auto there = signature.keys.begin();
  for (auto key = keys.begin(); key != end; ++key) {
    there = std::lower_bound(there, signature.keys.end(), *key);
    if (there == signature.keys.end()) break;
    if (*there == *key) ++held;
  }
  return static_cast<double>(held) / static_cast<double>(compared);
}

}  // namespace weft::fetcher
