// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/readahead.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace weft::fetcher {
namespace {

using testing::blocks;

TEST(Readahead, first_read_fetches_nothing_ahead) {
  EXPECT_EQ(Readahead().on_read(blocks(100, 8)), std::nullopt);
}

TEST(Readahead, sequential_reads_double_the_window_up_to_the_largest) {
  Readahead readahead({.largest = BlockCount(128)});
  BlockIndex at(0);
  std::uint64_t ahead = 0;
  (void)readahead.on_read(blocks(0, 8));
  for (const std::uint64_t window : {32U, 64U, 128U, 128U, 128U}) {
    at = BlockIndex(std::max<std::uint64_t>(ahead, 8));  // misses come where nothing was fetched
    const auto fetch = readahead.on_read({at, BlockCount(8)});
    ASSERT_TRUE(fetch.has_value());
    EXPECT_EQ(fetch->first.value(), at.value() + 8);
    EXPECT_EQ(fetch->count.value(), window);
    ahead = fetch->end().value();
  }
}

TEST(Readahead, reads_inside_the_window_fetch_more_only_past_its_middle) {
  Readahead readahead;
  (void)readahead.on_read(blocks(0, 4));
  ASSERT_EQ(readahead.on_read(blocks(4, 4)), blocks(8, 32));  // ahead to 40
  EXPECT_EQ(readahead.on_read(blocks(8, 4)), std::nullopt);
  EXPECT_EQ(readahead.on_read(blocks(12, 4)), std::nullopt);
  EXPECT_EQ(readahead.on_read(blocks(20, 4)), blocks(40, 48));  // window 64 from 24
}

TEST(Readahead, random_reads_fetch_nothing_ahead) {
  Readahead readahead;
  std::mt19937_64 random(5);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(readahead.on_read(blocks(random() % (1U << 30U), 1)), std::nullopt);
  }
}

TEST(Readahead, interleaved_streams_each_get_their_window) {
  Readahead readahead;
  const std::uint64_t starts[] = {0, 100'000, 200'000, 300'000};
  for (const std::uint64_t s : starts)
    (void)readahead.on_read(blocks(s, 8));
  for (const std::uint64_t s : starts) {
    EXPECT_EQ(readahead.on_read(blocks(s + 8, 8)), blocks(s + 16, 32)) << s;
  }
}

TEST(Readahead, backward_reads_are_not_sequential) {
  Readahead readahead;
  for (std::uint64_t at = 10'000; at > 9'000; at -= 8) {
    EXPECT_EQ(readahead.on_read(blocks(at, 8)), std::nullopt);
  }
}

TEST(Readahead, a_small_gap_is_the_same_file_as_long_as_that_pays) {
  Readahead readahead;
  (void)readahead.on_read(blocks(0, 4));
  EXPECT_EQ(readahead.on_read(blocks(20, 4)), blocks(24, 32));
  EXPECT_EQ(readahead.on_read(blocks(50, 4)), blocks(56, 62)) << "and goes on";
  EXPECT_EQ(Readahead().on_read(blocks(100, 1)), std::nullopt);
  EXPECT_EQ(readahead.on_read(blocks(1000, 4)), std::nullopt);
  EXPECT_EQ(readahead.on_read(blocks(1037, 4)), std::nullopt) << "too far";
}

TEST(Readahead, pairs_of_reads_that_lead_nowhere_end_what_is_fetched_over_gaps) {
  Readahead readahead;
  std::uint64_t ahead = 0;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    for (const std::uint64_t at : {i * 10'000, i * 10'000 + 12}) {
      if (const auto fetch = readahead.on_read(blocks(at, 4))) ahead += fetch->count.value();
    }
  }
  EXPECT_LE(ahead, 32 * 120U) << "of 2000 pairs";
  // Files with gaps, each read to its end: a trial shows that it pays again.
  std::uint64_t files = 0;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    std::uint64_t got = 0;
    for (std::uint64_t at = 0; at < 120; at += 10) {
      const auto fetch = readahead.on_read(blocks(100'000'000 + i * 1000 + at, 4));
      got += fetch ? 1 : 0;
    }
    files += got > 0 ? 1 : 0;
  }
  EXPECT_GE(files, 1000U);
}

TEST(Readahead, stream_idle_the_longest_makes_room) {
  Readahead readahead({.streams = 2});
  (void)readahead.on_read(blocks(0, 8));
  (void)readahead.on_read(blocks(1000, 8));
  (void)readahead.on_read(blocks(2000, 8));  // forgets the first
  EXPECT_EQ(readahead.on_read(blocks(1008, 8)), blocks(1016, 32));
  EXPECT_EQ(readahead.on_read(blocks(8, 8)), std::nullopt);
}

}  // namespace
}  // namespace weft::fetcher
