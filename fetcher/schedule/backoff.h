// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <cstdint>

namespace weft::fetcher {

struct BackoffPolicy {
  Duration first = std::chrono::milliseconds(250);
  Duration longest = std::chrono::seconds(10);
};

/// Pause before reconnect attempt number `attempt` (0: the first after a loss). Pure: doubles from
/// `first` up to `longest`, then `random` (uniform over all 64-bit values) takes off up to half.
///
/// Rationale: nodes that lose one peer at the same moment must not come back at the same moment; a
/// pause never shorter than half keeps a dead peer from being hammered.
[[nodiscard]] Duration backoff(unsigned attempt, std::uint64_t random,
                               const BackoffPolicy& policy = {});

}  // namespace weft::fetcher
