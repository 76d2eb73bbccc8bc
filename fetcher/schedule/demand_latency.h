// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <array>
#include <cstdint>

namespace weft::fetcher {

/// How long demand fetches of one link take, as multiples of what was expected of them (round trip,
/// what is queued, their own bytes): so large and small ones can be compared. Pure, a value type.
///
/// Buckets of a factor √2; when they hold 256 fetches all are halved, so old ones fade.
class DemandLatency {
 public:
  void record(Duration took, Duration expected);
  /// When a fetch that was expected to take so long is slower than 95 % of them: 1.5 to 16 times
  /// that, and 4 times while fewer than 16 are known. At least 20 ms: below that it is not the
  /// link.
  [[nodiscard]] Duration patience(Duration expected) const;

 private:
  static constexpr std::size_t buckets = 12;  // 1/2 … 2^5
  std::array<std::uint32_t, buckets> count_{};
  std::uint32_t total_ = 0;
};

}  // namespace weft::fetcher
