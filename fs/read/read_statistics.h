// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fs/read/read_origin.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

/// What a mount reports about its reads: plain values, copied out of the live counters.
namespace weft::fs {

/// From the arrival of a request to its reply. Upper bounds, at most 25 % above the true quantile;
/// zero if nothing was measured.
struct LatencySummary {
  std::uint64_t count = 0;
  Duration p50{};
  Duration p99{};
  Duration max{};    ///< exact
  Duration total{};  ///< exact
};

/// Shorter latencies than each bound, for a histogram that others draw: 1 us, 4 us … 18 min.
inline constexpr std::size_t latency_bounds = 16;
/// 2^10 ns × 4^`index`.
[[nodiscard]] constexpr Duration latency_bound(std::size_t index) noexcept {
  return Duration(std::int64_t{1} << (10 + 2 * index));
}

struct OriginStatistics {
  LatencySummary latency;
  ByteCount bytes;
  std::array<std::uint64_t, latency_bounds> below{};  ///< `latency_bound`
};

struct ReadStatistics {
  std::uint64_t resident = 0;  ///< answered at once from the local store, borrowed blocks included
  std::uint64_t missing = 0;   ///< had to wait for a fetch, and were answered with data
  std::uint64_t failed = 0;    ///< answered with an error
  std::uint64_t interrupted = 0;    ///< given up because the reader was interrupted or killed
  ByteCount bytes;                  ///< bytes answered
  Duration stall{};                 ///< time reads spent waiting, summed over all reads that waited
  LatencySummary resident_latency;  ///< of `resident`
  LatencySummary missing_latency;   ///< of `missing`
  std::array<OriginStatistics, read_origins> by_origin;

  [[nodiscard]] const OriginStatistics& of(ReadOrigin origin) const {
    return by_origin[static_cast<std::size_t>(origin)];
  }
};

/// A read that waits now.
struct WaitingRead {
  BlockRange blocks;
  Duration age{};
  std::uint32_t thread_id = 0;  ///< of the reader; 0: unknown to this PID namespace
  /// What the fetcher knows it by; none: it waits to be handed over to the fetcher again.
  std::optional<fetcher::FetchTicket> ticket{};
};

}  // namespace weft::fs
