// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/range.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(AppendRun, joins_only_what_begins_where_the_last_run_ends) {
  std::vector<BlockRange> runs;
  append_run(runs, range(3, 5));
  append_run(runs, range(5, 6));   // touches
  append_run(runs, range(7, 9));   // after a gap
  append_run(runs, range(8, 12));  // overlaps
  append_run(runs, range(2, 3));   // touches the first run only, which is not the last
  EXPECT_EQ(runs, (std::vector{range(3, 6), range(7, 9), range(8, 12), range(2, 3)}));
}

TEST(AppendRun, leaves_out_what_is_empty) {
  std::vector<BlockRange> runs;
  append_run(runs, range(3, 3));
  EXPECT_TRUE(runs.empty());
  append_run(runs, range(3, 5));
  append_run(runs, range(5, 5));
  append_run(runs, range(9, 9));
  EXPECT_EQ(runs, std::vector{range(3, 5)});
}

}  // namespace
}  // namespace weft
