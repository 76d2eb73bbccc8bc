// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/api/holdings.h"
#include "tools/api/placement_view.h"
#include "tools/daemon/node.h"

#include <chrono>

namespace weft::tools::api {
namespace {

// For a signature that is not here yet: a round trip to a peer that has it.
constexpr Duration signature_wait = std::chrono::seconds(3);

std::vector<PeerSeen> peers_seen(Node& node) {
  std::vector<PeerSeen> peers;
  if (node.network() == nullptr) return peers;
  const auto holdings = node.network()->holdings();
  const auto statuses = node.network()->fetcher().peers();
  for (const KnownPeer& known : node.peers().list()) {
    PeerSeen peer{.address = known.address, .price_per_gib = known.price_per_gib};
    for (const auto& status : statuses) {
      if (status.address == known.address) peer.status = status;
    }
    for (const auto& seen : holdings) {
      if (seen.address == known.address) peer.holdings = seen;
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

}  // namespace

Reply where_image(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto local, node.store().list());
  auto peers = peers_seen(node);
  WEFT_TRY(const WantedImage image, find_wanted(call.path[2], local, peers));
  auto signature = node.store().signature(image.info.id, signature_keys);
  if (!signature && node.network() != nullptr &&
      node.network()->want_signature(image.info.id, signature_wait)) {
    signature = node.store().signature(image.info.id, signature_keys);
  }
  const SignatureSource signatures = [&](const ImageId& id) -> std::optional<Signature> {
    auto found = node.store().signature(id, signature_keys);
    return found ? std::optional(*std::move(found)) : std::nullopt;
  };
  const std::optional<Signature> target =
      signature ? std::optional(*std::move(signature)) : std::nullopt;
  HoldingsOf holdings(image, target, signatures);
  std::vector<fetcher::NodeView> nodes = {holdings.here(node.name(), local)};
  for (const PeerSeen& peer : peers) {
    const bool other = !peer.status || (peer.status->state != fetcher::PeerState::self &&
                                        peer.status->state != fetcher::PeerState::duplicate);
    if (other) nodes.push_back(holdings.at(peer));
  }
  return to_json(image, holdings.content(), fetcher::placements(holdings.content(), nodes));
}

}  // namespace weft::tools::api
