// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/exchange_book.h"

#include <algorithm>

namespace weft::fetcher {

void ExchangeBook::known(std::span<const ImageId> images) {
  known_.insert(images.begin(), images.end());
}

void ExchangeBook::listed(PeerId peer, const std::vector<wire::ImageSummary>& images) {
  Peer& entry = peers_[peer];
  entry.images = images;
  entry.at = 0;
  std::set<ImageId> ids;
  for (const auto& image : images)
    ids.insert(image.info.id);
  // What it no longer lists is forgotten: the memory of a peer's failures is bounded by its list.
  std::erase_if(entry.wrong, [&](const ImageId& id) { return !ids.contains(id); });
  std::erase_if(entry.absent, [&](const auto& absent) { return !ids.contains(absent.first); });
}

void ExchangeBook::gone(PeerId peer) {
  peers_.erase(peer);
}

std::optional<ImageId> ExchangeBook::next(PeerId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return std::nullopt;
  Peer& entry = found->second;
  while (entry.at < entry.images.size()) {
    const ImageId& id = entry.images[entry.at++].info.id;
    if (in_flight_.contains(id) || !worth_asking(peer, id)) continue;
    in_flight_.insert(id);
    return id;
  }
  return std::nullopt;
}

bool ExchangeBook::worth_asking(PeerId peer, const ImageId& image) const {
  if (known_.contains(image)) return false;
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return true;
  const Peer& entry = found->second;
  if (entry.wrong.contains(image)) return false;
  const auto absent = entry.absent.find(image);
  if (absent == entry.absent.end()) return true;
  const wire::ImageSummary* now = find(peer, image);
  return now != nullptr && now->available != absent->second;
}

bool ExchangeBook::lists(PeerId peer, const ImageId& image) const {
  return find(peer, image) != nullptr;
}

const wire::ImageSummary* ExchangeBook::find(PeerId peer, const ImageId& image) const {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return nullptr;
  const auto& images = found->second.images;
  const auto at = std::ranges::find(images, image, [](const auto& i) { return i.info.id; });
  return at == images.end() ? nullptr : &*at;
}

void ExchangeBook::learnt(const ImageId& image) {
  known_.insert(image);
  in_flight_.erase(image);
}

void ExchangeBook::failed(PeerId peer, const ImageId& image, Failure why) {
  in_flight_.erase(image);
  const wire::ImageSummary* listed = find(peer, image);
  if (listed == nullptr) return;  // gone meanwhile, or asked on the chance
  if (why == Failure::absent) peers_[peer].absent[image] = listed->available;
  if (why == Failure::wrong) peers_[peer].wrong.insert(image);
}

}  // namespace weft::fetcher
