// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <cstdint>

/// What a mount reports about its reads: plain values, copied out of the live counters.
namespace weft::fs {

/// From the arrival of a request to its reply. Upper bounds, at most 25 % above the true quantile;
/// zero if nothing was measured.
struct LatencySummary {
  std::uint64_t count = 0;
  Duration p50{};
  Duration p99{};
};

struct ReadStatistics {
  std::uint64_t resident = 0;     ///< answered at once from the local store
  std::uint64_t missing = 0;      ///< had to wait for a fetch, and were answered with data
  std::uint64_t failed = 0;       ///< answered with an error
  std::uint64_t interrupted = 0;  ///< given up because the reader was interrupted or killed
  ByteCount bytes;                ///< bytes answered
  Duration stall{};               ///< time reads spent waiting, summed over all reads that waited
  LatencySummary resident_latency;
  LatencySummary missing_latency;
};

/// A read that waits now.
struct WaitingRead {
  BlockRange blocks;
  Duration age{};
  std::uint32_t thread_id = 0;  ///< of the reader; 0: unknown to this PID namespace
};

}  // namespace weft::fs
