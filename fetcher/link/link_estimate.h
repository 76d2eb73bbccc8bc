// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/estimate.h"
#include "indexer/core/clock.h"

#include <chrono>
#include <cstdint>

namespace weft::fetcher {

/// The link of one session: what it has measured, or else what is assumed.
struct LinkEstimate {
  double bytes_per_second = 12.5e6;  ///< to this node: measured, else the prior's, else a guess
  Duration round_trip = std::chrono::milliseconds(20);
  std::uint64_t samples = 0;  ///< of the rate, taken in this session
  Estimate rate = {};         ///< of `bytes_per_second`; not known: it is a guess
  bool round_trip_measured = false;
  Duration stalled{0};  ///< so long in all nothing came although something was asked for
  unsigned stalls = 0;
};

}  // namespace weft::fetcher
