// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/units.h"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>
#include <unordered_set>

namespace weft {
namespace {

// What must not compile.
template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };
template <class A, class B>
concept Comparable = requires(A a, B b) { a < b; };
static_assert(!std::convertible_to<BlockIndex, ByteOffset>);
static_assert(!std::convertible_to<std::uint64_t, BlockIndex>);
static_assert(!std::convertible_to<BlockIndex, std::uint64_t>);
static_assert(!Addable<BlockIndex, BlockIndex>);
static_assert(!Addable<BlockIndex, ByteCount>);
static_assert(!Comparable<BlockIndex, ByteOffset>);
static_assert(std::same_as<decltype(BlockIndex(3) - BlockIndex(1)), BlockCount>);

TEST(Units, positions_move_by_amounts) {
  BlockIndex block(5);
  EXPECT_EQ(block + BlockCount(3), BlockIndex(8));
  EXPECT_EQ(block - BlockCount(3), BlockIndex(2));
  EXPECT_EQ(BlockIndex(8) - block, BlockCount(3));
  EXPECT_EQ(++block, BlockIndex(6));
  block += BlockCount(4);
  EXPECT_EQ(block, BlockIndex(10));
}

TEST(Units, amounts_add_and_scale) {
  ByteCount bytes(10);
  bytes += ByteCount(5);
  bytes -= ByteCount(3);
  EXPECT_EQ(bytes, ByteCount(12));
  EXPECT_EQ(bytes * 3, ByteCount(36));
  EXPECT_LT(bytes, ByteCount(13));
}

TEST(Units, blocks_and_bytes_convert_both_ways) {
  EXPECT_EQ(offset_of(BlockIndex(3)), ByteOffset(12288));
  EXPECT_EQ(block_of(ByteOffset(12287)), BlockIndex(2));
  EXPECT_EQ(block_of(ByteOffset(12288)), BlockIndex(3));
  EXPECT_EQ(bytes_of(BlockCount(2)), ByteCount(8192));
}

TEST(Units, partly_used_block_is_a_block) {
  struct Row {
    std::uint64_t bytes;
    std::uint64_t blocks;
  };
  // The last one would overflow if the size were rounded up first.
  for (const Row row : {Row{0, 0}, Row{1, 1}, Row{4096, 1}, Row{4097, 2}, Row{~0ull, 1ull << 52}})
    EXPECT_EQ(blocks_for(ByteCount(row.bytes)).value(), row.blocks) << row.bytes;
}

TEST(Units, can_be_keys) {
  const std::unordered_set<BlockIndex> blocks{BlockIndex(1), BlockIndex(2), BlockIndex(1)};
  EXPECT_EQ(blocks.size(), 2u);
}

}  // namespace
}  // namespace weft
