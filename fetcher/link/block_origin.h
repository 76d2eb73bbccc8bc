// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

/// How far a block had to come for a reader that waited for it. Pure.
namespace weft::fetcher {

/// Slowest last, so that the origin of several blocks is the greatest of theirs.
enum class BlockOrigin : std::uint8_t {
  local,     ///< no link: another local image, or a copy of an equal block
  lan_peer,  ///< a peer of this node's site, or one that is as near as if it were
  wan_peer   ///< any other, also one whose distance is not known
};

/// A path with a shorter round trip stays within a building; the next site is farther.
inline constexpr Duration lan_round_trip = std::chrono::milliseconds(2);

/// Two sites that both have a name decide; else the round trip.
[[nodiscard]] constexpr BlockOrigin origin_of_peer(std::string_view own_site,
                                                   std::string_view peer_site,
                                                   std::optional<Duration> round_trip) {
  if (!own_site.empty() && own_site == peer_site) return BlockOrigin::lan_peer;
  if (!own_site.empty() && !peer_site.empty()) return BlockOrigin::wan_peer;
  const bool near = round_trip && *round_trip < lan_round_trip;
  return near ? BlockOrigin::lan_peer : BlockOrigin::wan_peer;
}

}  // namespace weft::fetcher
