// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::fetcher {

/// Why a block was asked for. Every block that comes over a link has one reason; a reader that
/// joins later raises the priority and leaves the reason.
enum class FetchReason : std::uint8_t {
  demand,     ///< somebody waits for it
  readahead,  ///< a sequential reader will soon
  planned,    ///< the plan wants it from this source
  unplanned,  ///< wanted, and in no queue of a plan
  stolen,     ///< the plan wants it from another source, which would bring it later
  duplicate,  ///< asked for elsewhere already: a hedge of a slow read, or the tail
};
inline constexpr std::size_t fetch_reasons = 6;

/// What came from a source, by why it was asked for.
struct SourceCounts {
  std::array<BlockCount, fetch_reasons> blocks{};  ///< by FetchReason; what was of use
  BlockCount wasted;  ///< came although it was here already: the loser of a duplicate

  [[nodiscard]] BlockCount of(FetchReason reason) const {
    return blocks[static_cast<std::size_t>(reason)];
  }
  SourceCounts& operator+=(const SourceCounts& other) {
    for (std::size_t i = 0; i < fetch_reasons; ++i)
      blocks[i] += other.blocks[i];
    wasted += other.wasted;
    return *this;
  }
};

[[nodiscard]] constexpr const char* to_string(FetchReason reason) noexcept {
  constexpr const char* names[fetch_reasons] = {"demand",    "readahead", "planned",
                                                "unplanned", "stolen",    "duplicate"};
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace weft::fetcher
