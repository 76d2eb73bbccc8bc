// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/api/holdings.h"
#include "tools/api/peers_seen.h"
#include "tools/api/placement_view.h"
#include "tools/daemon/node.h"

namespace weft::tools::api {

Reply where_image(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto local, node.store().list());
  const auto peers = peers_seen(node);
  WEFT_TRY(const WantedImage image, find_wanted(call.path[2], local, peers));
  HoldingsOf holdings(image, find_signature(node, image.info.id), signatures_of(node));
  std::vector<fetcher::NodeView> nodes = {holdings.here(node.name(), local)};
  for (const PeerSeen& peer : peers) {
    const bool other = !peer.status || (peer.status->state != fetcher::PeerState::self &&
                                        peer.status->state != fetcher::PeerState::duplicate);
    if (other) nodes.push_back(holdings.at(peer));
  }
  return to_json(image, holdings.content(), fetcher::placements(holdings.content(), nodes));
}

}  // namespace weft::tools::api
