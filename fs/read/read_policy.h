// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"

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

/// Keeps sums of time points and deadlines far from overflow.
inline constexpr std::chrono::hours longest_deadline{24 * 365};

/// The same for all reads of one mount.
struct ReadPolicy {
  WhenMissing when_missing = WhenMissing::hold;
  /// How long a read may wait, also while a peer is sending. Then EIO. At most `longest_deadline`.
  Duration deadline = std::chrono::minutes(10);
};

/// What the reader sees. EAGAIN only under `eagain`: elsewhere a reader that did not ask for it
/// would take it for a bug.
[[nodiscard]] int errno_of_failed_read(WhenMissing policy, const Error& error) noexcept;

}  // namespace weft::fs
