// SPDX-License-Identifier: Apache-2.0
#include "tools/api/peers_seen.h"

#include "tools/daemon/node.h"

#include <chrono>
#include <utility>

namespace weft::tools {
namespace {

constexpr Duration signature_wait = std::chrono::seconds(3);

}  // namespace

std::vector<PeerSeen> peers_seen(Node& node) {
  std::vector<PeerSeen> peers;
  if (node.network() == nullptr) return peers;
  const auto holdings = node.network()->holdings();
  const auto statuses = node.network()->fetcher().peers();
  for (const KnownPeer& known : node.peers().list()) {
    PeerSeen peer{.address = known.address, .link = known.link};
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

SignatureSource signatures_of(Node& node) {
  return [&node](const ImageId& id) -> std::optional<Signature> {
    auto found = node.store().signature(id, signature_keys);
    return found ? std::optional(*std::move(found)) : std::nullopt;
  };
}

std::optional<Signature> find_signature(Node& node, const ImageId& image) {
  const SignatureSource source = signatures_of(node);
  auto found = source(image);
  if (found || node.network() == nullptr) return found;
  return node.network()->want_signature(image, signature_wait) ? source(image) : std::nullopt;
}

}  // namespace weft::tools
