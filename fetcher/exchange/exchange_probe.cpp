// SPDX-License-Identifier: Apache-2.0
// Exchange: measuring links of which nothing is known.
#include "fetcher/exchange/exchange.h"
#include "fetcher/wire/frame.h"
#include "indexer/similarity/signature_codec.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint32_t probe_keys = 32 * 1024;  // of at most 8 bytes

}  // namespace

std::optional<ImageId> Exchange::image_to_probe(const Peer& peer, const ImageId& wanted) const {
  if (book_.lists(peer.id, wanted)) return wanted;
  const auto held = holdings_.find(peer.address);
  if (held == holdings_.end()) return std::nullopt;
  const wire::ImageSummary* largest = nullptr;
  for (const auto& image : held->second.images) {
    if (image.complete && (largest == nullptr || image.info.size > largest->info.size)) {
      largest = &image;
    }
  }
  return largest == nullptr ? std::nullopt : std::optional(largest->info.id);
}

Awaitable<void> Exchange::measure(ImageId image, TimePoint deadline) {
  const auto probes = std::make_shared<Probes>();
  for (const auto& [id, peer] : peers_) {
    if (peer->probed || peer->mute || peer->session->link().rate.known()) continue;
    const auto what = image_to_probe(*peer, image);
    if (!what) continue;
    peer->probed = true;
    if (tasks_.spawn("measure link", probe(peer, *what, deadline, probes))) ++probes->open;
  }
  while (probes->open > 0) {
    const bool woken = co_await probes->changed.wait_until(timers_, deadline);
    if (!woken) break;
  }
}

Awaitable<void> Exchange::probe(PeerPtr peer, ImageId image, TimePoint deadline,
                                std::shared_ptr<Probes> probes) {
  auto signature =
      co_await peer->session->signature(image, probe_keys, wire::Priority::readahead, deadline);
  if (signature) {
    const ByteCount cost(encode_signature(*signature).size() + wire::header_size +
                         wire::trailer_size);
    budget_.spend(cost, timers_.now());
    entry(*peer).spent.signature_bytes += cost;
    co_await keep(peer, *std::move(signature));
  }
  --probes->open;
  probes->changed.notify_all();
}

}  // namespace weft::fetcher
