// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace weft {
namespace {

constexpr BlockCount several_chunks{2 * DiskMap::chunk_blocks + 1234};

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(DiskMap, blocks_are_where_they_were_put_last) {
  DiskMap map(several_chunks);
  std::vector<DiskPlace> model(several_chunks.value(), DiskPlace::below);
  std::mt19937_64 random(1);
  for (int step = 0; step < 400; ++step) {
    const std::uint64_t first = random() % model.size();
    const std::uint64_t longest = step % 3 == 0 ? model.size() : 70;
    const std::uint64_t count = 1 + random() % std::min(longest, model.size() - first);
    const auto place = static_cast<DiskPlace>(random() % 3);
    map.set(range(first, count), place);
    std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(first), count, place);
  }
  std::uint64_t written = 0;
  for (std::uint64_t b = 0; b < model.size(); ++b) {
    ASSERT_EQ(map.place(BlockIndex(b)), model[b]) << b;
    written += model[b] == DiskPlace::written ? 1 : 0;
  }
  EXPECT_EQ(map.written().value(), written);
  for (std::uint64_t b = 0; b < model.size();) {
    const auto run = map.leading_run(range(b, model.size() - b));
    std::uint64_t end = b;
    while (end < model.size() && model[end] == model[b])
      ++end;
    ASSERT_EQ(run.place, model[b]);
    ASSERT_EQ(run.range, range(b, end - b));
    b = end;
  }
}

TEST(DiskMap, whole_chunks_of_zeros_go_back_and_forth) {
  DiskMap map(several_chunks);
  const auto all = range(0, several_chunks.value());
  map.set(all, DiskPlace::zero);
  EXPECT_TRUE(map.all_in(all, DiskPlace::zero));
  map.set(range(5, 1), DiskPlace::written);
  EXPECT_EQ(map.place(BlockIndex(4)), DiskPlace::zero);
  EXPECT_EQ(map.next(all, DiskPlace::written), range(5, 1));
  map.set(range(0, DiskMap::chunk_blocks), DiskPlace::below);
  EXPECT_EQ(map.written(), BlockCount(0));
  EXPECT_EQ(map.next(all, DiskPlace::zero)->first, BlockIndex(DiskMap::chunk_blocks));
}

TEST(DiskMap, copied_chunk_is_loaded_as_it_was) {
  DiskMap from(several_chunks);
  from.set(range(3, 40), DiskPlace::written);
  from.set(range(100, 1), DiskPlace::zero);
  DiskMap::Words words;
  from.copy_chunk(0, words);
  DiskMap to(several_chunks);
  to.load_chunk(0, words);
  for (std::uint64_t b = 0; b < DiskMap::chunk_blocks; ++b)
    ASSERT_EQ(to.place(BlockIndex(b)), from.place(BlockIndex(b)));
  EXPECT_EQ(to.written(), BlockCount(40));
}

TEST(DiskMap, impossible_place_and_bits_past_the_end_count_as_below) {
  DiskMap map(BlockCount(40));
  DiskMap::Words words;
  words.fill(~std::uint64_t{0});
  map.load_chunk(0, words);
  EXPECT_TRUE(map.all_in(range(0, 40), DiskPlace::below));
  EXPECT_EQ(map.written(), BlockCount(0));
}

}  // namespace
}  // namespace weft
