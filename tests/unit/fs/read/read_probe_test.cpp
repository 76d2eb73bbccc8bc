// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_probe.h"

#include "fs/read/rate_limit.h"

#include <gtest/gtest.h>

#include <limits>

namespace weft::fs {
namespace {

TEST(LatencyHistogram, bucket_bounds_are_at_most_a_quarter_above_what_falls_in) {
  for (std::int64_t ns = 0; ns < (std::int64_t{1} << 50); ns = ns < 64 ? ns + 1 : ns + ns / 7) {
    const std::size_t bucket = LatencyHistogram::bucket_of(Duration(ns));
    const std::int64_t bound = LatencyHistogram::upper_bound(bucket).count();
    ASSERT_LE(ns, bound);
    ASSERT_LE(bound, ns + ns / 4) << ns;
    if (bucket >= 9) {
      ASSERT_GT(ns, LatencyHistogram::upper_bound(bucket - 1).count());
    }
  }
  const Duration longest(std::numeric_limits<std::int64_t>::max());
  EXPECT_LT(LatencyHistogram::bucket_of(longest), LatencyHistogram::bucket_count);
  EXPECT_EQ(LatencyHistogram::bucket_of(Duration(-5)), 0u);
}

TEST(LatencyHistogram, quantiles_find_the_slow_tail) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.summary().p99, Duration::zero());
  for (int i = 0; i < 980; ++i)
    histogram.add(std::chrono::microseconds(20));
  for (int i = 0; i < 20; ++i)
    histogram.add(std::chrono::milliseconds(50));
  const LatencySummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 1000u);
  EXPECT_GE(summary.p50, std::chrono::microseconds(20));
  EXPECT_LE(summary.p50, std::chrono::microseconds(25));
  EXPECT_GE(summary.p99, std::chrono::milliseconds(50));
}

TEST(LatencyHistogram, total_and_maximum_are_exact_and_bounds_are_kept_exactly) {
  LatencyHistogram histogram;
  for (const std::int64_t ns : {1, 1023, 1024, 1025, 5000})
    histogram.add(Duration(ns));
  const LatencyCounts counts = histogram.counts();
  EXPECT_EQ(counts.total, Duration(1 + 1023 + 1024 + 1025 + 5000));
  EXPECT_EQ(counts.max, Duration(5000));
  EXPECT_EQ(counts.below(0), 0u);
  EXPECT_EQ(counts.below(1), 1u);
  EXPECT_EQ(counts.below(10), 2u) << "1024 ns are not shorter than 2^10 ns";
  EXPECT_EQ(counts.below(12), 4u);
  EXPECT_EQ(counts.below(40), 5u);
}

TEST(ReadProbe, each_outcome_is_counted_once) {
  ReadProbe probe;
  probe.answered(ReadOrigin::resident, 4096, std::chrono::microseconds(5));
  probe.answered(ReadOrigin::borrowed, 4096, std::chrono::microseconds(50));
  probe.answered(ReadOrigin::wan_peer, 8192, std::chrono::milliseconds(20));
  probe.failed(std::chrono::milliseconds(30));
  probe.interrupted(std::chrono::milliseconds(1));
  const ReadStatistics statistics = probe.statistics();
  EXPECT_EQ(statistics.resident, 2u);
  EXPECT_EQ(statistics.missing, 1u);
  EXPECT_EQ(statistics.failed, 1u);
  EXPECT_EQ(statistics.interrupted, 1u);
  EXPECT_EQ(statistics.bytes, ByteCount(2 * 4096 + 8192));
  EXPECT_EQ(statistics.stall, std::chrono::milliseconds(51)) << "only what waited";
}

TEST(ReadProbe, reads_are_told_apart_by_where_their_blocks_came_from) {
  ReadProbe probe;
  for (std::size_t i = 0; i < read_origins; ++i) {
    for (std::size_t n = 0; n <= i; ++n)
      probe.answered(all_read_origins[i], 100 * (i + 1), std::chrono::milliseconds(1 << i));
  }
  const ReadStatistics statistics = probe.statistics();
  for (std::size_t i = 0; i < read_origins; ++i) {
    const OriginStatistics& of = statistics.of(all_read_origins[i]);
    EXPECT_EQ(of.latency.count, i + 1) << i;
    EXPECT_EQ(of.latency.max, std::chrono::milliseconds(1 << i)) << i;
    EXPECT_EQ(of.bytes, ByteCount(100 * (i + 1) * (i + 1))) << i;
    EXPECT_EQ(of.below.back(), of.latency.count) << i;
  }
  EXPECT_EQ(statistics.resident, 3u) << "resident and borrowed are answered at once";
  EXPECT_EQ(statistics.missing, 12u);
}

TEST(RateLimit, lets_one_event_through_per_interval_and_counts_the_rest) {
  RateLimit limit(std::chrono::seconds(1));
  const TimePoint start{};
  EXPECT_EQ(limit.admit(start), 0u);
  EXPECT_FALSE(limit.admit(start));
  EXPECT_FALSE(limit.admit(start + std::chrono::milliseconds(999)));
  EXPECT_EQ(limit.admit(start + std::chrono::seconds(1)), 2u);
  EXPECT_EQ(limit.admit(start + std::chrono::seconds(5)), 0u);
}

}  // namespace
}  // namespace weft::fs
