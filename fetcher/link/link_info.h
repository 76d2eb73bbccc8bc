// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

/// What an operator says of links; what is measured of them is in `link_monitor.h`. Plain values.
namespace weft::fetcher {

/// Of one peer.
struct PeerLinkInfo {
  double price_per_gib = 0;  ///< of what comes from there, in whatever unit the operator counts
  std::string site;          ///< empty: none, it shares no uplink with others

  friend bool operator==(const PeerLinkInfo&, const PeerLinkInfo&) = default;
};

/// A group of nodes that reach this one over a common uplink.
struct SiteInfo {
  std::string name;
  double uplink_bytes_per_second = 0;  ///< of all its peers together; 0: no cap

  friend bool operator==(const SiteInfo&, const SiteInfo&) = default;
};

/// Of this node.
struct OwnLinkInfo {
  std::string site;                     ///< peers of the same site do not pass its uplink
  double ingress_bytes_per_second = 0;  ///< that this node can take in; 0: no cap
  std::vector<SiteInfo> sites;          ///< those with a cap, by name

  friend bool operator==(const OwnLinkInfo&, const OwnLinkInfo&) = default;
};

}  // namespace weft::fetcher
