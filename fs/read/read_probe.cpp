// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_probe.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace weft::fs {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

std::size_t LatencyHistogram::bucket_of(Duration latency) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  if (ns < 4) return static_cast<std::size_t>(ns);
  const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1;
  return std::size_t{power} * 4 + ((ns >> (power - 2)) & 3);
}

Duration LatencyHistogram::upper_bound(std::size_t bucket) noexcept {
  if (bucket < 8) return Duration(static_cast<std::int64_t>(std::min<std::size_t>(bucket, 3)));
  const std::size_t power = bucket / 4;
  const std::uint64_t step = std::uint64_t{1} << (power - 2);
  const std::uint64_t bound = (4 + bucket % 4 + 1) * step - 1;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return Duration(static_cast<std::int64_t>(std::min(bound, most)));
}

void LatencyHistogram::add(Duration latency) noexcept {
  buckets_[bucket_of(latency)].fetch_add(1, relaxed);
  total_ns_.fetch_add(latency.count(), relaxed);
  std::int64_t max = max_ns_.load(relaxed);
  while (latency.count() > max && !max_ns_.compare_exchange_weak(max, latency.count(), relaxed)) {
  }
}

LatencyCounts LatencyHistogram::counts() const noexcept {
  LatencyCounts counts;
  for (std::size_t i = 0; i < bucket_count; ++i)
    counts.buckets[i] = buckets_[i].load(relaxed);
  counts.total = Duration(total_ns_.load(relaxed));
  counts.max = Duration(max_ns_.load(relaxed));
  return counts;
}

LatencyCounts& LatencyCounts::operator+=(const LatencyCounts& more) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i)
    buckets[i] += more.buckets[i];
  total += more.total;
  max = std::max(max, more.max);
  return *this;
}

LatencySummary LatencyCounts::summary() const noexcept {
  const std::uint64_t all = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
  const auto quantile = [&](std::uint64_t percent) {
    const std::uint64_t rank = (all * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
      seen += buckets[i];
      if (seen >= rank && seen > 0) return LatencyHistogram::upper_bound(i);
    }
    return Duration::zero();
  };
  return {.count = all, .p50 = quantile(50), .p99 = quantile(99), .max = max, .total = total};
}

std::uint64_t LatencyCounts::below(unsigned power) const noexcept {
  // Below 4 ns each has a bucket of its own, and those of the first powers stay empty.
  const std::size_t end = power < 2 ? std::size_t{1} << power : std::size_t{power} * 4;
  return std::accumulate(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(end),
                         std::uint64_t{0});
}

void ReadProbe::answered(ReadOrigin origin, std::size_t bytes, Duration latency) noexcept {
  PerOrigin& counters = origins_[static_cast<std::size_t>(origin)];
  counters.latency.add(latency);
  counters.bytes.fetch_add(bytes, relaxed);
}

void ReadProbe::failed(Duration waited) noexcept {
  failed_.fetch_add(1, relaxed);
  stall_ns_.fetch_add(waited.count(), relaxed);
}

void ReadProbe::interrupted(Duration waited) noexcept {
  interrupted_.fetch_add(1, relaxed);
  stall_ns_.fetch_add(waited.count(), relaxed);
}

ReadStatistics ReadProbe::statistics() const noexcept {
  ReadStatistics s;
  LatencyCounts at_once;
  LatencyCounts waited;
  for (const ReadOrigin origin : all_read_origins) {
    const PerOrigin& counters = origins_[static_cast<std::size_t>(origin)];
    OriginStatistics& out = s.by_origin[static_cast<std::size_t>(origin)];
    const LatencyCounts counts = counters.latency.counts();
    out.latency = counts.summary();
    out.bytes = ByteCount(counters.bytes.load(relaxed));
    for (std::size_t i = 0; i < latency_bounds; ++i)
      out.below[i] = counts.below(static_cast<unsigned>(10 + 2 * i));
    (is_wait(origin) ? waited : at_once) += counts;
    s.bytes += out.bytes;
  }
  s.resident_latency = at_once.summary();
  s.missing_latency = waited.summary();
  s.resident = s.resident_latency.count;
  s.missing = s.missing_latency.count;
  s.failed = failed_.load(relaxed);
  s.interrupted = interrupted_.load(relaxed);
  s.stall = waited.total + Duration(stall_ns_.load(relaxed));
  return s;
}

}  // namespace weft::fs
