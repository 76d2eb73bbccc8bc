// SPDX-License-Identifier: Apache-2.0
#pragma once

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

[[nodiscard]] constexpr const char* to_string(FetchReason reason) noexcept {
  constexpr const char* names[fetch_reasons] = {"demand",    "readahead", "planned",
                                                "unplanned", "stolen",    "duplicate"};
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace weft::fetcher
