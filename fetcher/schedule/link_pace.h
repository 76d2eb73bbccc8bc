// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <cstdint>
#include <optional>
#include <span>

namespace weft::fetcher {

/// A link as an order or a policy sees it now.
struct LinkPace {
  PeerId peer{};
  double bytes_per_second = 0;  ///< on the wire, > 0
  Duration round_trip{0};
  double wire_bytes_per_block = 0;  ///< after compression, > 0
  BlockCount outstanding;           ///< asked for and not here
  bool lively = true;               ///< not stalled
  double price_per_gib = 0;
  std::optional<std::uint32_t> capped_site = {};  ///< only where the uplink is capped

  /// Seconds until everything outstanding and `more` blocks are here.
  [[nodiscard]] double seconds_for(double more) const {
    return to_seconds(round_trip) + (static_cast<double>(outstanding.value()) + more) *
                                        wire_bytes_per_block / bytes_per_second;
  }
};

/// `links` ascending by peer. Null: it is not among them.
[[nodiscard]] const LinkPace* find_pace(std::span<const LinkPace> links, PeerId peer);

}  // namespace weft::fetcher
