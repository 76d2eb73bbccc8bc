// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/range_set.h"
#include "indexer/core/range.h"

#include <string>
#include <string_view>
#include <vector>

/// Sets of blocks as pictures: "##..#" is blocks 0, 1 and 4.
namespace weft::fetcher::testing {

inline BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

inline std::vector<BlockRange> ranges(std::string_view picture) {
  std::vector<BlockRange> found;
  for (std::size_t i = 0; i < picture.size(); ++i) {
    if (picture[i] != '.') append_run(found, blocks(i, 1));
  }
  return found;
}

inline RangeSet set(std::string_view picture) {
  return RangeSet(ranges(picture));
}

inline std::string picture(const std::vector<BlockRange>& ranges, std::size_t width) {
  std::string text(width, '.');
  for (const BlockRange& range : ranges) {
    for (BlockIndex b = range.first; b < range.end(); ++b)
      text.at(b.value()) = '#';
  }
  return text;
}

inline std::string picture(const RangeSet& set, std::size_t width) {
  return picture(set.ranges(), width);
}

}  // namespace weft::fetcher::testing
