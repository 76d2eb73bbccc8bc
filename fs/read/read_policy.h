// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::fs {

/// What a read of a missing block does while no peer can give it.
enum class WhenMissing : std::uint8_t {
  hold,   ///< waits for a peer until the deadline: a guest sees a slow disk, not an error
  eio,    ///< fails at once with EIO
  eagain  ///< fails at once with EAGAIN
};

[[nodiscard]] std::string_view to_string(WhenMissing policy) noexcept;
[[nodiscard]] std::optional<WhenMissing> parse_when_missing(std::string_view text) noexcept;

/// The same for all reads of one mount.
struct ReadPolicy {
  WhenMissing when_missing = WhenMissing::hold;
  /// How long a read may wait, also while a peer is sending. Then EIO.
  Duration deadline = std::chrono::minutes(10);
};

}  // namespace weft::fs
