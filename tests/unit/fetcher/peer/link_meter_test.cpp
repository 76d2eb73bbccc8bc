// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/link_meter.h"

#include "fetcher/peer/log_limiter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{100s};

TEST(RateMeter, measures_the_link_and_not_the_wait_before_a_burst) {
  RateMeter meter;
  TimePoint now = start;
  for (int burst = 0; burst < 5; ++burst) {
    now += 200ms;  // a round trip, and time without requests
    for (int i = 0; i < 300; ++i) {
      meter.arrived(now, 1250);
      now += 1ms;
    }
    meter.idle();
  }
  EXPECT_GT(meter.samples(), 4u);
  EXPECT_NEAR(meter.rate(now).mean, 1.25e6, 0.02e6);
}

TEST(RateMeter, one_small_answer_is_no_sample) {
  RateMeter meter;
  meter.arrived(start, 4096);
  meter.idle();
  meter.arrived(start + 1s, 4096);
  meter.arrived(start + 1001ms, 4096);
  meter.idle();
  EXPECT_EQ(meter.samples(), 0u);
}

TEST(RateMeter, follows_a_link_that_changes) {
  RateMeter meter;
  TimePoint now = start;
  const auto run = [&](std::size_t bytes_per_ms, int ms) {
    for (int i = 0; i < ms; ++i)
      meter.arrived(now += 1ms, bytes_per_ms);
  };
  run(12'500, 2000);
  EXPECT_NEAR(meter.rate(now).mean, 12.5e6, 0.5e6);
  run(1250, 5000);
  EXPECT_NEAR(meter.rate(now).mean, 1.25e6, 0.1e6);
}

// Between two bursts of a short answer lies a round trip: their bytes by that time are not the
// rate.
TEST(RateMeter, short_answer_in_two_bursts_is_no_sample) {
  RateMeter meter;
  meter.asked(start);
  for (const auto at : {100ms, 101ms, 102ms, 200ms, 201ms})
    meter.arrived(start + at, 14'000);
  meter.idle();
  EXPECT_EQ(meter.samples(), 0u);
  EXPECT_FALSE(meter.rate(start + 1s).known());
}

TEST(RateMeter, prior_is_the_rate_until_something_is_measured) {
  RateMeter meter;
  meter.assume({.mean = 10e6, .deviation = 1e6, .samples = 5}, start);
  EXPECT_EQ(meter.rate(start).mean, 10e6);
  EXPECT_EQ(meter.samples(), 0u);
  TimePoint now = start;
  for (int i = 0; i < 2000; ++i)
    meter.arrived(now += 1ms, 1250);
  EXPECT_NEAR(meter.rate(now).mean, 1.25e6, 0.5e6);
}

TEST(RateMeter, a_stall_is_lost_time_and_no_part_of_the_rate) {
  RateMeter meter;
  TimePoint now = start;
  const auto run = [&] {
    for (int i = 0; i < 1000; ++i)
      meter.arrived(now += 1ms, 1250);
  };
  run();
  now += 5s;
  EXPECT_EQ(meter.stalled(now), Duration(5s)) << "while it goes on";
  EXPECT_EQ(meter.stalls(), 0u);
  run();
  EXPECT_NEAR(meter.rate(now).mean, 1.25e6, 0.05e6);
  EXPECT_NEAR(to_seconds(meter.stalled(now)), 5, 0.01);
  EXPECT_EQ(meter.stalls(), 1u);
}

TEST(RateMeter, silence_of_a_peer_that_was_asked_nothing_is_no_stall) {
  RateMeter meter;
  meter.asked(start);
  meter.arrived(start + 1s, 100);
  meter.idle();
  EXPECT_EQ(meter.stalled(start + 1h), Duration(0));
  meter.asked(start + 1h);
  EXPECT_EQ(meter.stalled(start + 1h + 3s), Duration(3s)) << "not one byte has come";
}

TEST(RoundTripMeter, keeps_the_least_recent_sample) {
  RoundTripMeter meter;
  meter.sample(20ms);
  for (int i = 0; i < 10; ++i)
    meter.sample(300ms);
  EXPECT_EQ(meter.least(), 20ms);
  for (int i = 0; i < 10; ++i)
    meter.sample(80ms);
  EXPECT_EQ(meter.least(), 80ms) << "the path has changed";
}

TEST(SendMeter, a_sample_is_handed_out_once) {
  SendMeter meter;
  EXPECT_FALSE(meter.take_sample());
  for (int i = 0; i < 11; ++i)
    meter.written(100'000, 8ms, 8ms);
  const auto sample = meter.take_sample();
  ASSERT_TRUE(sample);
  EXPECT_NEAR(sample->bytes_per_second, 12.5e6, 0.1e6);
  EXPECT_EQ(sample->busy, Duration(88ms));
  EXPECT_FALSE(meter.take_sample());
}

TEST(SendMeter, time_outside_writes_does_not_make_a_link_slow) {
  SendMeter meter;
  EXPECT_EQ(meter.bytes_per_second(), 0);
  for (int i = 0; i < 20; ++i)
    meter.written(100'000, 8ms, 8ms);
  EXPECT_NEAR(meter.bytes_per_second(), 12.5e6, 0.1e6);
  SendMeter instant;
  for (int i = 0; i < 20; ++i)
    instant.written(100'000, 0ms, 0ms);
  EXPECT_GT(instant.bytes_per_second(), 1e9);
}

TEST(CompressionLevel, falls_as_the_link_gets_faster) {
  EXPECT_EQ(compression_level(0, 0), 3);
  int last = 100;
  for (const double mbit : {1.0, 10.0, 50.0, 100.0, 200.0, 999.0, 1001.0, 3000.0, 40'000.0}) {
    const int level = compression_level(mbit * 1e6 / 8, mbit * 1e6 / 8);
    EXPECT_LE(level, last) << mbit;
    last = level;
  }
  EXPECT_GE(compression_level(100e6 / 8, 0), 3);
  EXPECT_EQ(compression_level(1e9 / 8, 1e9 / 8), 1);
  EXPECT_EQ(last, 0);
}

// A processor shared with others makes any link look fast; bytes saved on a slow one are worth more
// than the little time that compressing them takes at such a pace.
TEST(CompressionLevel, a_sender_held_up_by_its_own_work_does_not_save_on_compression) {
  SendMeter busy;
  for (int i = 0; i < 20; ++i)
    busy.written(100'000, 10us, 20ms);
  EXPECT_GT(busy.bytes_per_second(), 1e9);
  EXPECT_NEAR(busy.pace(), 5e6, 0.1e6);
  EXPECT_EQ(compression_level(busy.bytes_per_second(), busy.pace()), 3);
  EXPECT_EQ(compression_level(10e9, 0), 0) << "no pace is known";
}

TEST(LogLimiter, lets_one_through_and_counts_the_others) {
  LogLimiter limiter(10s);
  EXPECT_EQ(limiter.admit(start), 0u);
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(limiter.admit(start + 5s));
  EXPECT_EQ(limiter.admit(start + 10s), 1000u);
  EXPECT_FALSE(limiter.admit(start + 11s));
}

}  // namespace
}  // namespace weft::fetcher
