// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/residency_map.h"

#include <gtest/gtest.h>

#include <string_view>

namespace weft {
namespace {

/// 'o' own, 'z' zero, 's' source, 'b' borrowed, '.' missing.
void draw(ResidencyMap& map, std::string_view picture) {
  for (std::uint64_t i = 0; i < picture.size(); ++i) {
    const BlockRange one{BlockIndex(i), BlockCount(1)};
    if (picture[i] == 'o') map.own.insert(one);
    if (picture[i] == 'z') map.zero.insert(one);
    if (picture[i] == 's') map.source.insert(one);
    if (picture[i] == 'b') map.borrowed.insert(one);
  }
}

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(ResidencyMap, block_is_readable_wherever_it_is) {
  ResidencyMap map(BlockCount(8));
  draw(map, "ozsb..oo");
  EXPECT_TRUE(map.readable(range(0, 4)));
  EXPECT_FALSE(map.readable(range(0, 5)));
  EXPECT_TRUE(map.readable(range(6, 2)));
  EXPECT_TRUE(map.readable(range(4, 0)));
}

TEST(ResidencyMap, missing_runs_are_found_in_order) {
  ResidencyMap map(BlockCount(8));
  draw(map, "o..b.zs.");
  EXPECT_EQ(map.next_missing(range(0, 8)), range(1, 2));
  EXPECT_EQ(map.next_missing(range(2, 6)), range(2, 1));
  EXPECT_EQ(map.next_missing(range(3, 5)), range(4, 1));
  EXPECT_EQ(map.next_missing(range(5, 2)), std::nullopt);
  EXPECT_EQ(map.count_missing(range(0, 8)), BlockCount(4));
}

TEST(ResidencyMap, missing_run_spans_chunks) {
  constexpr std::uint64_t chunk = BlockSet::chunk_blocks;
  ResidencyMap map(BlockCount(5 * chunk));
  map.zero.insert(range(0, chunk));
  map.own.insert(range(4 * chunk + 3, 1));
  EXPECT_EQ(map.next_missing(range(0, 5 * chunk)), range(chunk, 3 * chunk + 3));
}

TEST(ResidencyMap, run_ends_where_the_place_changes) {
  ResidencyMap map(BlockCount(8));
  draw(map, "oozzsbb.");
  const auto run = [&](std::uint64_t first) { return map.leading_run(range(first, 8 - first)); };
  EXPECT_EQ(run(0).place, Place::own);
  EXPECT_EQ(run(0).range, range(0, 2));
  EXPECT_EQ(run(2).place, Place::zero);
  EXPECT_EQ(run(4).place, Place::source);
  EXPECT_EQ(run(5).range, range(5, 2));
  EXPECT_EQ(run(7).place, Place::missing);
}

TEST(ResidencyMap, own_pack_comes_before_the_source) {
  ResidencyMap map(BlockCount(2));
  draw(map, "ss");
  draw(map, ".o");
  EXPECT_EQ(map.leading_run(range(0, 2)).range, range(0, 1));
  EXPECT_EQ(map.leading_run(range(1, 1)).place, Place::own);
}

TEST(ResidencyMap, question_about_ten_tebibytes_skips_whole_chunks) {
  ResidencyMap map(BlockCount(std::uint64_t{10} << 28));
  const auto whole = range(0, map.own.blocks().value());
  map.zero.insert(whole);
  EXPECT_TRUE(map.readable(whole));
  map.zero.erase(range(whole.count.value() - 1, 1));
  EXPECT_EQ(map.next_missing(whole), range(whole.count.value() - 1, 1));
}

}  // namespace
}  // namespace weft
