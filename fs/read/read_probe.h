// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/read/read_statistics.h"
#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft::fs {

/// A copy of a LatencyHistogram; several can be added up.
struct LatencyCounts {
  static constexpr std::size_t bucket_count = 64 * 4;
  std::array<std::uint64_t, bucket_count> buckets{};
  Duration total{};
  Duration max{};

  LatencyCounts& operator+=(const LatencyCounts& more) noexcept;
  [[nodiscard]] LatencySummary summary() const noexcept;
  /// Latencies shorter than 2^`power` ns, exactly.
  [[nodiscard]] std::uint64_t below(unsigned power) const noexcept;
};

/// Latencies in buckets of at most 25 % width: four for each power of two of nanoseconds.
/// Thread-safe; adding is two relaxed additions, and more only for a new maximum.
class LatencyHistogram {
 public:
  void add(Duration latency) noexcept;
  [[nodiscard]] LatencyCounts counts() const noexcept;
  [[nodiscard]] LatencySummary summary() const noexcept { return counts().summary(); }

  static constexpr std::size_t bucket_count = LatencyCounts::bucket_count;
  [[nodiscard]] static std::size_t bucket_of(Duration latency) noexcept;
  /// The longest latency that falls into `bucket`.
  [[nodiscard]] static Duration upper_bound(std::size_t bucket) noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
  std::atomic<std::int64_t> total_ns_{0};
  std::atomic<std::int64_t> max_ns_{0};
};

/// Counts what happens to the reads of one mount, by where their blocks came from. Thread-safe,
/// lock-free; 11 KiB.
class ReadProbe {
 public:
  /// Answered with data; `latency`: from its arrival.
  void answered(ReadOrigin origin, std::size_t bytes, Duration latency) noexcept;
  void failed(Duration waited) noexcept;
  void interrupted(Duration waited) noexcept;

  [[nodiscard]] ReadStatistics statistics() const noexcept;

 private:
  struct PerOrigin {
    LatencyHistogram latency;
    std::atomic<std::uint64_t> bytes{0};
  };
  std::array<PerOrigin, read_origins> origins_;
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> interrupted_{0};
  std::atomic<std::int64_t> stall_ns_{0};  ///< of those two
};

}  // namespace weft::fs
