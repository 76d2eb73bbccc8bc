// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_probe.h"

#include <algorithm>
#include <limits>

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

LatencySummary LatencyHistogram::summary() const noexcept {
  std::array<std::uint64_t, bucket_count> counts{};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < bucket_count; ++i)
    total += counts[i] = buckets_[i].load(relaxed);

  const auto quantile = [&](std::uint64_t percent) {
    const std::uint64_t rank = (total * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
      seen += counts[i];
      if (seen >= rank && seen > 0) return upper_bound(i);
    }
    return Duration::zero();
  };
  return {.count = total, .p50 = quantile(50), .p99 = quantile(99)};
}

void ReadProbe::resident(std::size_t bytes, Duration latency) noexcept {
  resident_.add(latency);
  bytes_.fetch_add(bytes, relaxed);
}

void ReadProbe::fetched(std::size_t bytes, Duration waited) noexcept {
  fetched_.add(waited);
  bytes_.fetch_add(bytes, relaxed);
  stall_ns_.fetch_add(waited.count(), relaxed);
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
  s.resident_latency = resident_.summary();
  s.missing_latency = fetched_.summary();
  s.resident = s.resident_latency.count;
  s.missing = s.missing_latency.count;
  s.failed = failed_.load(relaxed);
  s.interrupted = interrupted_.load(relaxed);
  s.bytes = ByteCount(bytes_.load(relaxed));
  s.stall = Duration(stall_ns_.load(relaxed));
  return s;
}

}  // namespace weft::fs
