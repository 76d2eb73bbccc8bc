// SPDX-License-Identifier: Apache-2.0
#include "tools/api/plan_inputs.h"

#include <algorithm>
#include <utility>

namespace weft::tools {
namespace {

double part(BlockCount some, BlockCount all) {
  return all.value() == 0 ? 1
                          : static_cast<double>(some.value()) / static_cast<double>(all.value());
}

std::string reason_of(const PeerSeen& peer) {
  if (!peer.status) return "not connected";
  switch (peer.status->state) {
    case fetcher::PeerState::self:
      return "this node itself";
    case fetcher::PeerState::duplicate:
      return "another address reaches the same node";
    case fetcher::PeerState::connecting:
    case fetcher::PeerState::waiting:
      return peer.status->last_error.empty() ? "not connected"
                                             : "not connected: " + peer.status->last_error;
    case fetcher::PeerState::connected:
      break;
  }
  return "what it holds is not known yet";
}

}  // namespace

PlanInputs::PlanInputs(WantedImage image, std::optional<Signature> target,
                       SignatureSource signatures)
    : image_(std::move(image)), signature_(std::move(target)), source_(std::move(signatures)) {
  if (signature_) target_.signature = &*signature_;
  target_.blocks = signature_ ? signature_->unique_blocks : blocks_for(image_.info.size);
}

void PlanInputs::add(std::vector<fetcher::HeldImage>& held, const ImageId& id, double some) {
  if (some <= 0) return;
  auto found = loaded_.find(id);
  if (found == loaded_.end()) found = loaded_.emplace(id, source_(id)).first;
  if (found->second) {
    held.push_back({.signature = &*found->second, .part = some});
  } else {
    incomplete_ = true;
  }
}

void PlanInputs::see_local(std::span<const ImageEntry> local) {
  for (const ImageEntry& entry : local) {
    const ImageUsage& usage = entry.usage;
    if (entry.info.id == image_.info.id) {
      // Blocks that are equal come once.
      target_.missing = std::min(usage.missing, target_.blocks);
      continue;
    }
    const BlockCount data = usage.total - usage.zero;
    add(target_.others, entry.info.id, part(data - std::min(data, usage.missing), data));
  }
}

void PlanInputs::see_peers(std::span<const PeerSeen> peers) {
  for (const PeerSeen& peer : peers)
    see_peer(peer);
}

void PlanInputs::see_peer(const PeerSeen& peer) {
  const std::string name = peer.status ? peer.status->name : "";
  const bool connected = peer.status && peer.status->state == fetcher::PeerState::connected;
  if (!connected || !peer.holdings || peer.holdings->listed == TimePoint{}) {
    left_out_.push_back({.address = peer.address, .name = name, .reason = reason_of(peer)});
    return;
  }
  const auto& banned = peer.status->banned_for;
  if (std::ranges::find(banned, image_.info.id) != banned.end()) {
    left_out_.push_back(
        {.address = peer.address, .name = name, .reason = "it sent wrong data of this image"});
    return;
  }
  fetcher::SourceView view{.address = peer.address,
                           .link = peer.status->link,
                           .info = peer.link,
                           .part = 0,
                           .others = {}};
  for (const auto& image : peer.holdings->images) {
    const double some =
        image.complete ? 1 : std::min(part(image.available, blocks_for(image.info.size)), 0.9999);
    if (image.info.id == image_.info.id) {
      view.part = std::max(view.part, some);
    } else {
      add(view.others, image.info.id, some);
    }
  }
  sources_.push_back(std::move(view));
  names_.push_back(name);
}

}  // namespace weft::tools
