// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace weft {

/// Half-open run of blocks [first, first + count).
struct BlockRange {
  BlockIndex first;
  BlockCount count;

  [[nodiscard]] constexpr BlockIndex end() const { return first + count; }
  [[nodiscard]] constexpr bool empty() const { return count.value() == 0; }
  [[nodiscard]] constexpr bool contains(BlockIndex b) const { return first <= b && b < end(); }
  friend constexpr bool operator==(const BlockRange&, const BlockRange&) = default;

  [[nodiscard]] static constexpr BlockRange between(BlockIndex first, BlockIndex end) {
    return {first, first < end ? end - first : BlockCount(0)};
  }
};

/// Longer than any image.
inline constexpr BlockRange all_blocks{BlockIndex(0), BlockCount(~std::uint64_t{0})};

[[nodiscard]] constexpr BlockRange intersect(BlockRange a, BlockRange b) {
  return BlockRange::between(std::max(a.first, b.first), std::min(a.end(), b.end()));
}

/// Adds `range` to a list of runs, joined to the last of them if it begins where that ends. So what
/// comes in ascending order makes as few runs as can be. An empty range is left out.
inline void append_run(std::vector<BlockRange>& runs, BlockRange range) {
  if (range.empty()) return;
  if (!runs.empty() && runs.back().end() == range.first) {
    runs.back().count += range.count;
  } else {
    runs.push_back(range);
  }
}

/// Blocks touched by `length` bytes at `offset`. `offset + length` must not overflow.
[[nodiscard]] constexpr BlockRange blocks_touched(ByteOffset offset, ByteCount length) {
  if (length.value() == 0) return {block_of(offset), BlockCount(0)};
  return BlockRange::between(block_of(offset),
                             block_of(offset + length - ByteCount(1)) + BlockCount(1));
}

}  // namespace weft
