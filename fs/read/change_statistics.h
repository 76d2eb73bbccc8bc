// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/read/read_statistics.h"
#include "indexer/core/units.h"

#include <cstdint>

namespace weft::fs {

/// What a mount reports about the changes of its disk: plain values, copied out of the live
/// counters. Latencies are from the arrival of a request to its reply.
struct ChangeStatistics {
  LatencySummary writes;
  ByteCount written;
  LatencySummary zeroed_ranges;  ///< discards, and writes of zeros
  ByteCount zeroed;
  LatencySummary flushes;
  std::uint64_t waited = 0;  ///< of all: for a block that changed in part to be fetched
  std::uint64_t failed = 0;  ///< answered with an error, flushes included
};

}  // namespace weft::fs
