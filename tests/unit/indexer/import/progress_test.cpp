// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/progress.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};
constexpr std::uint64_t mb = 1'000'000;

double seconds(std::optional<Duration> d) {
  return d ? to_seconds(*d) : -1;
}

TEST(Progress, steady_job_has_its_rate_from_the_first_step_on) {
  Progress progress(ByteCount(1000 * mb), start);
  for (int i = 1; i <= 100; ++i) {
    progress.update(ByteCount(static_cast<std::uint64_t>(i) * mb), start + i * 100ms);
    ASSERT_NEAR(progress.bytes_per_second(), 10e6, 1) << i;
  }
  EXPECT_NEAR(seconds(progress.remaining()), 90, 0.01);
  EXPECT_NEAR(progress.fraction(), 0.1, 1e-9);
  EXPECT_EQ(progress.elapsed(), Duration(10s));
}

TEST(Progress, follows_a_change_of_pace_within_about_a_window) {
  Progress progress(ByteCount(10'000 * mb), start, 5s);
  std::uint64_t done = 0;
  TimePoint now = start;
  const auto run = [&](int steps, std::uint64_t bytes_per_step) {
    for (int i = 0; i < steps; ++i)
      progress.update(ByteCount(done += bytes_per_step), now += 100ms);
  };
  run(200, 10 * mb);
  EXPECT_NEAR(progress.bytes_per_second(), 100e6, 1e5);
  run(10, 1 * mb);  // one slow second: hardly any change yet
  EXPECT_GT(progress.bytes_per_second(), 70e6);
  run(200, 1 * mb);
  EXPECT_NEAR(progress.bytes_per_second(), 10e6, 3e6);
}

TEST(Progress, job_that_stands_still_fades_and_has_no_end_in_sight) {
  Progress progress(ByteCount(100 * mb), start, 5s);
  progress.update(ByteCount(mb), start + 1s);
  for (int i = 0; i < 2000; ++i)
    progress.update(ByteCount(mb), start + 1s + i * 100ms);
  EXPECT_LT(progress.bytes_per_second(), 1);
  EXPECT_EQ(progress.remaining(), std::nullopt);
}

TEST(Progress, no_rate_before_any_time_has_passed) {
  Progress progress(ByteCount(10), start);
  EXPECT_EQ(progress.remaining(), std::nullopt);
  progress.update(ByteCount(5), start);
  EXPECT_EQ(progress.bytes_per_second(), 0);
  progress.update(ByteCount(5), start + 1s);  // the bytes were not forgotten
  EXPECT_NEAR(progress.bytes_per_second(), 5, 1e-9);
}

TEST(Progress, going_backwards_is_no_change) {
  Progress progress(ByteCount(100), start);
  progress.update(ByteCount(50), start + 1s);
  progress.update(ByteCount(40), start + 2s);
  EXPECT_EQ(progress.done(), ByteCount(50));
  progress.update(ByteCount(60), start + 1s);
  EXPECT_EQ(progress.elapsed(), Duration(2s));
}

TEST(Progress, finished_and_empty_jobs_have_nothing_left) {
  Progress empty(ByteCount(0), start);
  EXPECT_EQ(empty.fraction(), 1);
  EXPECT_EQ(empty.remaining(), Duration::zero());
  Progress beyond(ByteCount(10), start);
  beyond.update(ByteCount(20), start + 1s);
  EXPECT_EQ(beyond.fraction(), 1);
  EXPECT_EQ(beyond.remaining(), Duration::zero());
}

TEST(Progress, job_may_learn_its_size_on_the_way) {
  Progress progress(ByteCount(0), start);
  progress.update(ByteCount(10), start + 1s);
  progress.set_total(ByteCount(40));
  EXPECT_NEAR(progress.fraction(), 0.25, 1e-9);
  EXPECT_NEAR(seconds(progress.remaining()), 3, 1e-9);
}

}  // namespace
}  // namespace weft
