// SPDX-License-Identifier: Apache-2.0
#include "fs/record/touch_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace weft::fs {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr TimePoint begin{std::chrono::hours(5)};

BlockRange run(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(TouchLog, notes_reads_of_new_blocks_with_the_time_since_the_first) {
  TouchLog log(BlockCount(1000));
  log.note(run(0, 1), begin);
  EXPECT_TRUE(log.take().empty()) << "it does not record yet";
  log.start();
  log.note(run(10, 4), begin + milliseconds(70));
  log.note(run(12, 1), begin + milliseconds(80));
  log.note(run(12, 4), begin + milliseconds(90));
  EXPECT_THAT(log.take(), ElementsAre(TouchLog::Touch{run(10, 4), milliseconds(0)},
                                      TouchLog::Touch{run(12, 4), milliseconds(20)}));
  EXPECT_TRUE(log.take().empty());
  log.note(run(999, 1), begin + milliseconds(100));
  log.stop();
  log.note(run(500, 1), begin + milliseconds(110));
  EXPECT_THAT(log.take(), ElementsAre(TouchLog::Touch{run(999, 1), milliseconds(30)}));
  EXPECT_EQ(log.first_read(), begin + milliseconds(70));
}

TEST(TouchLog, starting_over_forgets_what_was_read) {
  TouchLog log(BlockCount(100));
  log.start();
  log.note(run(5, 1), begin);
  log.start();
  EXPECT_EQ(log.first_read(), std::nullopt);
  log.note(run(5, 1), begin + milliseconds(9));
  EXPECT_THAT(log.take(), ElementsAre(TouchLog::Touch{run(5, 1), milliseconds(0)}));
}

TEST(TouchLog, largest_image_takes_memory_only_for_what_is_read) {
  TouchLog log(blocks_for(max_image_size));
  ASSERT_TRUE(log.usable());
  log.start();
  const std::uint64_t last = blocks_for(max_image_size).value() - 1;
  log.note(run(last, 1), begin);
  log.note(run(0, 257), begin + milliseconds(1));
  EXPECT_THAT(log.take(), ElementsAre(TouchLog::Touch{run(last, 1), milliseconds(0)},
                                      TouchLog::Touch{run(0, 257), milliseconds(1)}));
}

TEST(TouchLog, long_reads_are_noted_in_parts_and_times_have_an_end) {
  TouchLog log(BlockCount(2000));
  log.start();
  log.note(run(0, 1), begin);
  log.note(run(100, 1000), begin + std::chrono::hours(9));
  const auto touches = log.take();
  ASSERT_EQ(touches.size(), 3u);
  EXPECT_EQ(touches[1].range, run(100, 512));
  EXPECT_EQ(touches[2].range, run(612, 488));
  EXPECT_EQ(touches[2].at, TouchLog::longest);
}

TEST(TouchLog, full_list_drops_and_counts) {
  TouchLog log(BlockCount(TouchLog::capacity + 100));
  log.start();
  for (std::uint64_t i = 0; i < TouchLog::capacity + 7; ++i)
    log.note(run(i, 1), begin);
  EXPECT_EQ(log.take().size(), TouchLog::capacity);
  EXPECT_EQ(log.dropped(), 7u);
}

TEST(TouchLog, threads_lose_no_block_and_repeat_few) {
  constexpr std::uint64_t blocks = 40'000;
  TouchLog log(BlockCount{blocks});
  log.start();
  std::vector<TouchLog::Touch> touches;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (std::uint64_t i = 0; i < blocks; ++i)
          log.note(run(i, 1), begin);
      });
    }
    for (int i = 0; i < 50; ++i)
      std::ranges::copy(log.take(), std::back_inserter(touches));
  }
  std::ranges::copy(log.take(), std::back_inserter(touches));
  std::set<std::uint64_t> seen;
  for (const auto& touch : touches)
    seen.insert(touch.range.first.value());
  EXPECT_EQ(seen.size(), blocks);
  EXPECT_EQ(touches.size(), blocks) << "one thread sets a bit";
}

}  // namespace
}  // namespace weft::fs
