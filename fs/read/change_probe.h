// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/read/change_statistics.h"
#include "fs/read/read_probe.h"
#include "indexer/core/clock.h"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft::fs {

/// Counts what happens to the changes of one mounted disk. Thread-safe, lock-free.
class ChangeProbe {
 public:
  /// Done; `latency`: from its arrival. `waited`: for a fetch.
  void written(std::size_t bytes, Duration latency, bool waited) noexcept;
  void zeroed(std::size_t bytes, Duration latency, bool waited) noexcept;
  void flushed(Duration latency) noexcept { flushes_.add(latency); }
  void failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] ChangeStatistics statistics() const noexcept;

 private:
  LatencyHistogram writes_;
  LatencyHistogram zeroed_ranges_;
  LatencyHistogram flushes_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> zeroed_{0};
  std::atomic<std::uint64_t> waited_{0};
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace weft::fs
