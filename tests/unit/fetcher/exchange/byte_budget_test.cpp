// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/byte_budget.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};

TEST(ByteBudget, a_burst_is_there_at_once_and_the_rest_over_time) {
  ByteBudget budget(ByteCount(6000), ByteCount(500), start);
  EXPECT_TRUE(budget.take(ByteCount(500), start));
  EXPECT_FALSE(budget.take(ByteCount(1), start));
  EXPECT_EQ(budget.ready_at(ByteCount(100), start), start + 1s);
  EXPECT_FALSE(budget.take(ByteCount(100), start + 999ms));
  EXPECT_TRUE(budget.take(ByteCount(100), start + 1s));
}

TEST(ByteBudget, no_more_than_a_burst_is_saved) {
  ByteBudget budget(ByteCount(6000), ByteCount(500), start);
  EXPECT_TRUE(budget.take(ByteCount(500), start + 1h));
  EXPECT_FALSE(budget.take(ByteCount(1), start + 1h));
}

TEST(ByteBudget, what_had_to_be_spent_is_owed) {
  ByteBudget budget(ByteCount(6000), ByteCount(500), start);
  budget.spend(ByteCount(1500), start);
  EXPECT_EQ(budget.ready_at(ByteCount(100), start), start + 11s);
  budget.refund(ByteCount(1000), start);
  EXPECT_EQ(budget.ready_at(ByteCount(100), start), start + 1s);
  budget.refund(ByteCount(9999), start);
  EXPECT_FALSE(budget.take(ByteCount(501), start) && budget.take(ByteCount(1), start));
}

TEST(ByteBudget, more_than_a_burst_is_taken_when_a_whole_burst_is_there) {
  ByteBudget budget(ByteCount(6000), ByteCount(500), start);
  EXPECT_TRUE(budget.take(ByteCount(1500), start));
  EXPECT_EQ(budget.ready_at(ByteCount(1500), start), start + 15s);
}

TEST(ByteBudget, nothing_is_taken_of_nothing) {
  ByteBudget budget(ByteCount(0), ByteCount(500), start);
  EXPECT_FALSE(budget.take(ByteCount(1), start + 1h));
  EXPECT_EQ(budget.ready_at(ByteCount(1), start), TimePoint::max());
}

TEST(ByteBudget, over_any_time_no_more_is_taken_than_burst_and_rate) {
  std::mt19937_64 random(7);
  ByteBudget budget(ByteCount(60'000), ByteCount(5000), start);
  double taken = 0;
  TimePoint now = start;
  for (int i = 0; i < 10'000; ++i) {
    const ByteCount bytes(1 + random() % 2000);
    if (budget.take(bytes, now)) taken += static_cast<double>(bytes.value());
    now += std::chrono::milliseconds(random() % 700);
    const double passed = to_seconds(now - start);
    ASSERT_LE(taken, 5000 + 1000 * passed + 1) << i;
    if (random() % 4 == 0) now = std::max(now, budget.ready_at(bytes, now));
  }
  EXPECT_GT(taken, 0.8 * 1000 * to_seconds(now - start));
}

}  // namespace
}  // namespace weft::fetcher
