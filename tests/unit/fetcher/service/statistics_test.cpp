// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/statistics.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

double ms(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

TEST(WaitHistogram, quantiles_are_right_within_a_bucket) {
  WaitHistogram h;
  for (int i = 1; i <= 1000; ++i)
    h.record(milliseconds(i));
  EXPECT_EQ(h.count(), 1000U);
  EXPECT_EQ(h.total(), milliseconds(500'500));
  EXPECT_GE(ms(h.quantile(0.5)), 500.0 / 1.42);
  EXPECT_LE(ms(h.quantile(0.5)), 500.0 * 1.42);
  EXPECT_GE(ms(h.quantile(0.99)), 990.0 / 1.42);
  EXPECT_LE(ms(h.quantile(0.99)), 990.0 * 1.42);
}

TEST(WaitHistogram, empty_and_extreme_waits) {
  WaitHistogram h;
  EXPECT_EQ(h.quantile(0.99), Duration(0));
  h.record(Duration(0));
  EXPECT_LE(h.quantile(1), microseconds(16));
  h.record(std::chrono::hours(1000));
  EXPECT_GT(h.quantile(1), std::chrono::minutes(10));
}

TEST(FetchSources, add_up_each_by_itself) {
  FetchSources sum{.in_image = ByteCount(1),
                   .by_digest = ByteCount(2),
                   .twins = ByteCount(3),
                   .joined = ByteCount(4),
                   .have_queries = 5,
                   .have_bytes = ByteCount(6)};
  sum += {.in_image = ByteCount(10),
          .by_digest = ByteCount(20),
          .twins = ByteCount(30),
          .joined = ByteCount(40),
          .have_queries = 50,
          .have_bytes = ByteCount(60)};
  EXPECT_EQ(sum.in_image, ByteCount(11));
  EXPECT_EQ(sum.by_digest, ByteCount(22));
  EXPECT_EQ(sum.twins, ByteCount(33));
  EXPECT_EQ(sum.joined, ByteCount(44));
  EXPECT_EQ(sum.have_queries, 55U);
  EXPECT_EQ(sum.have_bytes, ByteCount(66));
}

}  // namespace
}  // namespace weft::fetcher
