// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstdint>
#include <string>
#include <vector>

/// The messages by which nodes that fetch the same image find each other and divide what its origin
/// sends (WIRE.md §10). Need `feature_swarm` on both sides.
namespace weft::fetcher::wire {

/// Bit of Hello's features: the sender answers SwarmRequest.
inline constexpr std::uint64_t feature_swarm = 1u << 2;

inline constexpr std::uint32_t max_swarm_partners = 32;  ///< in a SwarmAnswer

/// "I fetch this image. Who else does, or has it, and which part of it shall I take from you?"
struct SwarmRequest {
  ImageId image;
  std::uint16_t port = 0;  ///< where the sender serves, on the address it connects from; 0: nowhere
  bool complete = false;   ///< it has everything by now: no part is wanted
  std::uint8_t most = 0;   ///< partners wanted, at most max_swarm_partners
  friend bool operator==(const SwarmRequest&, const SwarmRequest&) = default;
};
/// A node that fetches the image or has fetched it. A hint: perhaps it cannot be reached.
struct SwarmPartner {
  NodeId node;
  std::string address;  ///< HOST:PORT
  friend bool operator==(const SwarmPartner&, const SwarmPartner&) = default;
};
struct SwarmAnswer {
  /// The sender had the image before anybody asked it: what it sends is to be divided.
  bool origin = false;
  std::uint32_t members = 0;  ///< nodes that fetch the image, as far as the sender knows
  std::uint32_t slot = 0;     ///< which of them the receiver is; < members, or both 0
  std::vector<SwarmPartner> partners;
  friend bool operator==(const SwarmAnswer&, const SwarmAnswer&) = default;
};

}  // namespace weft::fetcher::wire
