// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/shares.h"

#include "indexer/core/mix.h"

#include <gtest/gtest.h>

#include <set>

namespace weft::fetcher {
namespace {

TEST(Shares, together_are_the_image_and_each_piece_is_in_one) {
  const Pieces pieces(BlockCount(100'001));
  std::set<std::uint32_t> all;
  std::size_t sum = 0;
  for (std::uint32_t slot = 0; slot < 7; ++slot) {
    const auto mine = pieces_of({7, slot}, pieces);
    all.insert(mine.begin(), mine.end());
    sum += mine.size();
    EXPECT_NEAR(static_cast<double>(mine.size()), static_cast<double>(pieces.count()) / 7, 80);
  }
  EXPECT_EQ(sum, pieces.count());
  EXPECT_EQ(all.size(), pieces.count());
}

TEST(Shares, new_member_takes_pieces_and_nobody_else_gets_any) {
  const Pieces pieces(BlockCount(64 * 1024));
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    const auto before = pieces_of({5, slot}, pieces);
    const std::set<std::uint32_t> had(before.begin(), before.end());
    for (const std::uint32_t piece : pieces_of({6, slot}, pieces))
      EXPECT_TRUE(had.contains(piece));
  }
}

TEST(Shares, pieces_that_stay_with_a_node_come_first) {
  const Pieces pieces(BlockCount(64 * 1024));
  for (std::uint32_t slot = 0; slot < 5; ++slot) {
    const auto early = pieces_of({5, slot}, pieces);
    const auto late = pieces_of({50, slot}, pieces);
    ASSERT_LT(late.size(), early.size());
    EXPECT_TRUE(
        std::ranges::equal(late, std::vector(early.begin(), early.begin() + std::ssize(late))));
  }
}

TEST(Shares, undivided_image_is_everybodys) {
  const Pieces pieces(BlockCount(1000));
  EXPECT_EQ(pieces_of({0, 0}, pieces).size(), pieces.count());
  EXPECT_EQ(pieces_of({1, 0}, pieces).size(), pieces.count());
}

// Every node, of whatever build, has to come to the same.
TEST(Shares, are_what_the_protocol_says) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdafU);
  EXPECT_EQ(jump_hash(1, 1), 0U);
  EXPECT_EQ(jump_hash(42, 57), 43U);
  EXPECT_EQ(jump_hash(0xDEAD10CC, 1), 0U);
  EXPECT_EQ(jump_hash(0xDEAD10CC, 666), 361U);
  EXPECT_EQ(jump_hash(256, 1024), 520U);
}

TEST(Pieces, cover_the_image_and_are_never_too_many) {
  for (const std::uint64_t blocks : {1U, 31U, 32U, 33U, 1'000'000U, 2'500'000'000U}) {
    const Pieces pieces{BlockCount(blocks)};
    EXPECT_LE(pieces.count(), 65536U);
    EXPECT_EQ(pieces.range(0).first, BlockIndex(0));
    EXPECT_EQ(pieces.range(pieces.count() - 1).end(), BlockIndex(blocks));
    EXPECT_EQ(pieces.of(BlockIndex(blocks - 1)), pieces.count() - 1);
    EXPECT_GE(pieces.range(0).count.value(), std::min<std::uint64_t>(blocks, 32));
  }
}

}  // namespace
}  // namespace weft::fetcher
