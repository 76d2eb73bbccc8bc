// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/signature.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

/// Signatures of images that need not exist.
namespace weft::test {

using Keys = std::vector<std::uint64_t>;

/// Ascending, each once.
inline Keys sorted(Keys keys) {
  std::ranges::sort(keys);
  const auto twice = std::ranges::unique(keys);
  keys.erase(twice.begin(), twice.end());
  return keys;
}
inline Keys random_keys(std::mt19937_64& random, std::size_t count) {
  Keys keys(count);
  std::ranges::generate(keys, std::ref(random));
  return sorted(std::move(keys));
}
inline Keys merged(Keys a, const Keys& b) {
  a.insert(a.end(), b.begin(), b.end());
  return sorted(std::move(a));
}

/// An image id that stands for a number, and sorts like it.
inline ImageId image_number(std::uint32_t number) {
  ImageId id;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return id;
}
inline Signature full_signature(Keys keys, ImageId image = {}) {
  return {.image = image,
          .shift = 0,
          .unique_blocks = BlockCount(keys.size()),
          .keys = std::move(keys)};
}

}  // namespace weft::test
