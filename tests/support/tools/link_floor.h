// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/tools/read_trace.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <unordered_map>

/// How early a boot over a link can be over, whoever fetches for it and however well it foresees.
namespace weft::testing {

using Seconds = std::chrono::duration<double>;

/// When each block a boot reads is here at the earliest: all in the order of their first reads,
/// from the start on, over a link that is never idle. A block is as large as its part of a zstd
/// frame of 32 such blocks (the frame of reference_transfer.h); zero blocks cost nothing.
class EarliestArrivals {
 public:
  /// Throws std::runtime_error if `disk` cannot be read.
  EarliestArrivals(const ReadTrace& trace, const std::filesystem::path& disk);

  /// Of all blocks, from the link's other end.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// Bytes that have come when all blocks of the read are here.
  [[nodiscard]] std::uint64_t before(const TracedRead& read) const;

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> behind_;  // by block: bytes up to its last
  std::uint64_t bytes_ = 0;
};

/// From the start to the guest's being ready, with `scale` × its thinking, when `bytes_per_second`
/// come, the first of them one `round_trip` after the start. Reads of what is here take no
/// time.
[[nodiscard]] Seconds earliest_ready(const ReadTrace& trace, double scale,
                                     const EarliestArrivals& arrivals, double bytes_per_second,
                                     Seconds round_trip);

}  // namespace weft::testing
