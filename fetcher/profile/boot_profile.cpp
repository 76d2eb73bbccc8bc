// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/boot_profile.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t blocks_in_largest_image = max_image_size.value() / block_size;

bool is_in_bounds(const ProfileEntry& entry, std::uint32_t boots) {
  return entry.block.value() < blocks_in_largest_image && entry.at.count() >= 0 &&
         entry.at <= longest_boot && entry.boots >= 1 && entry.boots <= boots;
}

}  // namespace

bool is_valid(const BootProfile& profile) {
  const auto& entries = profile.entries;
  if (profile.boots < 1 || profile.boots > max_profile_boots || entries.empty() ||
      entries.size() > max_profile_entries) {
    return false;
  }
  if (!std::ranges::all_of(entries, [&](const auto& e) { return is_in_bounds(e, profile.boots); }))
    return false;
  if (!std::ranges::is_sorted(entries, {}, &ProfileEntry::at)) return false;
  std::vector<std::uint64_t> keys;
  keys.reserve(entries.size());
  for (const ProfileEntry& entry : entries)
    keys.push_back(entry.key);
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) == keys.end();
}

}  // namespace weft::fetcher
