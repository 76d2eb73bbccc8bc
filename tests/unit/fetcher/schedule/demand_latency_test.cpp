// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/demand_latency.h"

#include "fetcher/schedule/token_bucket.h"

#include <gtest/gtest.h>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;

TEST(DemandLatency, is_patient_while_little_is_known) {
  DemandLatency latency;
  for (int i = 0; i < 15; ++i)
    latency.record(100ms, 100ms);
  EXPECT_EQ(latency.patience(100ms), 400ms);
}

TEST(DemandLatency, follows_the_slowest_of_twenty) {
  DemandLatency latency;
  for (int i = 0; i < 95; ++i)
    latency.record(100ms, 100ms);
  EXPECT_EQ(latency.patience(100ms), 150ms) << "never below one and a half times";
  for (int i = 0; i < 15; ++i)
    latency.record(800ms, 100ms);
  EXPECT_NEAR(to_seconds(latency.patience(100ms)), 0.8, 0.01);
}

TEST(DemandLatency, compares_small_and_large_fetches) {
  DemandLatency latency;
  for (int i = 0; i < 50; ++i) {
    latency.record(2s, 1s);
    latency.record(20ms, 10ms);
  }
  EXPECT_NEAR(to_seconds(latency.patience(100ms)), 0.2, 0.01);
}

TEST(DemandLatency, forgets) {
  DemandLatency latency;
  for (int i = 0; i < 250; ++i)
    latency.record(3s, 100ms);
  for (int i = 0; i < 2000; ++i)
    latency.record(100ms, 100ms);
  EXPECT_EQ(latency.patience(100ms), 150ms);
}

TEST(DemandLatency, does_not_count_milliseconds) {
  EXPECT_EQ(DemandLatency().patience(1us), 20ms);
}

TEST(TokenBucket, paces_and_takes_no_more_than_a_burst_after_a_pause) {
  TokenBucket bucket(10);
  TimePoint now{1h};
  bucket.limit(1000, now);
  EXPECT_DOUBLE_EQ(bucket.credit(now), 0);
  now += 100ms;
  EXPECT_DOUBLE_EQ(bucket.credit(now), 100);
  bucket.take(150);
  now += 100ms;
  EXPECT_DOUBLE_EQ(bucket.credit(now), 50) << "debts are paid first";
  now += 1h;
  EXPECT_DOUBLE_EQ(bucket.credit(now), 250);
}

TEST(TokenBucket, gives_when_the_least_is_there_and_says_when) {
  TokenBucket bucket(400);
  TimePoint now{1h};
  EXPECT_TRUE(bucket.gives(now)) << "no limit";
  bucket.limit(1000, now);
  EXPECT_FALSE(bucket.gives(now));
  EXPECT_GE(bucket.ready_at(), now + 400ms);
  now = bucket.ready_at();
  EXPECT_TRUE(bucket.gives(now));
  bucket.take(1000);
  EXPECT_FALSE(bucket.gives(now));
  EXPECT_GE(bucket.ready_at(), now + 999ms);
  now += 1h;
  EXPECT_DOUBLE_EQ(bucket.credit(now), 800) << "twice the least";
}

}  // namespace
}  // namespace weft::fetcher::testing
