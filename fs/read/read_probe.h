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

/// Latencies in buckets of at most 25 % width: four for each power of two of nanoseconds.
/// Thread-safe; adding is one relaxed increment.
class LatencyHistogram {
 public:
  void add(Duration latency) noexcept {
    buckets_[bucket_of(latency)].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] LatencySummary summary() const noexcept;

  static constexpr std::size_t bucket_count = 64 * 4;
  [[nodiscard]] static std::size_t bucket_of(Duration latency) noexcept;
  /// The longest latency that falls into `bucket`.
  [[nodiscard]] static Duration upper_bound(std::size_t bucket) noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
};

/// Counts what happens to the reads of one mount. Thread-safe, lock-free.
class ReadProbe {
 public:
  void resident(std::size_t bytes, Duration latency) noexcept;
  void fetched(std::size_t bytes, Duration waited) noexcept;
  void failed(Duration waited) noexcept;
  void interrupted(Duration waited) noexcept;

  [[nodiscard]] ReadStatistics statistics() const noexcept;

 private:
  LatencyHistogram resident_;
  LatencyHistogram fetched_;
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> interrupted_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::int64_t> stall_ns_{0};
};

}  // namespace weft::fs
