// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/range.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr BlockRange range(std::uint64_t first, std::uint64_t end) {
  return BlockRange::between(BlockIndex(first), BlockIndex(end));
}

TEST(BlockRange, is_half_open) {
  const BlockRange r = range(3, 5);
  EXPECT_EQ(r.count, BlockCount(2));
  EXPECT_FALSE(r.contains(BlockIndex(2)));
  EXPECT_TRUE(r.contains(BlockIndex(3)));
  EXPECT_TRUE(r.contains(BlockIndex(4)));
  EXPECT_FALSE(r.contains(BlockIndex(5)));
}

TEST(BlockRange, end_before_first_is_empty) {
  EXPECT_TRUE(range(5, 3).empty());
  EXPECT_EQ(range(5, 3).end(), BlockIndex(5));
}

TEST(BlockRange, intersection) {
  struct Row {
    const char* name;
    BlockRange a, b, expected;
  };
  const Row rows[] = {
      {"overlap", range(0, 5), range(3, 9), range(3, 5)},
      {"inside", range(0, 9), range(3, 5), range(3, 5)},
      {"equal", range(3, 5), range(3, 5), range(3, 5)},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(intersect(row.a, row.b), row.expected) << row.name;
    EXPECT_EQ(intersect(row.b, row.a), row.expected) << row.name;
  }
  EXPECT_TRUE(intersect(range(0, 3), range(3, 5)).empty());  // neighbours
  EXPECT_TRUE(intersect(range(0, 2), range(4, 5)).empty());
}

TEST(BlockRange, blocks_touched_by_bytes) {
  struct Row {
    const char* name;
    std::uint64_t offset, length;
    BlockRange expected;
  };
  const Row rows[] = {
      {"whole block", 4096, 4096, range(1, 2)}, {"one byte at the end", 4095, 1, range(0, 1)},
      {"across an edge", 4095, 2, range(0, 2)}, {"inside", 5000, 10, range(1, 2)},
      {"long", 1, 3 * 4096, range(0, 4)},
  };
  for (const Row& row : rows)
    EXPECT_EQ(blocks_touched(ByteOffset(row.offset), ByteCount(row.length)), row.expected)
        << row.name;
  EXPECT_TRUE(blocks_touched(ByteOffset(4096), ByteCount(0)).empty());
}

}  // namespace
}  // namespace weft
