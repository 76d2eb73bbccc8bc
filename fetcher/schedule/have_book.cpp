// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/have_book.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

constexpr double query_bytes_per_block = 5 + 1.0 / 8;  // key and answer bit
constexpr double weight_of_newest = 0.5;
constexpr Duration longest_pause = std::chrono::seconds(80);

}  // namespace

double saved_by_faster(const HaveLink& link, const HaveLink& best) {
  return best.wire_bytes_per_block / best.bytes_per_second -
         link.wire_bytes_per_block / link.bytes_per_second;
}

double saved_by_idle(double wire_bytes_per_block, double bytes_per_second) {
  return wire_bytes_per_block / bytes_per_second;
}

bool worth_asking(const HaveLink& link, double saved, double share) {
  return share * saved > query_bytes_per_block / link.bytes_per_second;
}

std::vector<BlockRange> HaveBook::unasked(PeerId peer, BlockRange range) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? std::vector{range} : it->second.asked.gaps(range);
}

void HaveBook::asked(PeerId peer, const std::vector<BlockRange>& blocks) {
  Peer& p = peers_[peer];
  for (const BlockRange& range : blocks)
    p.asked.add(range);
  ++p.in_flight;
}

void HaveBook::answered(PeerId peer, BlockCount blocks, BlockCount held) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  Peer& p = it->second;
  --p.in_flight;
  if (blocks == BlockCount(0)) return;
  const double share = static_cast<double>(held.value()) / static_cast<double>(blocks.value());
  p.share = p.share ? *p.share + weight_of_newest * (share - *p.share) : share;
}

void HaveBook::forget(PeerId peer, const std::vector<BlockRange>& blocks) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  for (const BlockRange& range : blocks)
    it->second.asked.remove(range);
}

void HaveBook::failed(PeerId peer, const std::vector<BlockRange>& blocks, TimePoint now) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  --it->second.in_flight;
  forget(peer, blocks);
  it->second.not_before = now + it->second.pause;
}

void HaveBook::landed(BlockRange range) {
  for (auto& [id, peer] : peers_) {
    if (!peer.asked.empty()) peer.asked.remove(range);
  }
}

void HaveBook::expire(TimePoint now) {
  for (auto& [id, peer] : peers_) {
    if (peer.asked.empty() || peer.in_flight > 0) {
      peer.again_at.reset();
    } else if (!peer.again_at) {
      peer.again_at = now + peer.pause;
    } else if (now >= *peer.again_at) {
      peer.asked.clear();
      peer.again_at.reset();
      peer.pause = std::min(peer.pause * 2, longest_pause);
    }
  }
}

bool HaveBook::may_ask(PeerId peer, TimePoint now) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() || now >= it->second.not_before;
}

std::size_t HaveBook::in_flight(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? 0 : it->second.in_flight;
}

std::optional<double> HaveBook::share(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? std::nullopt : it->second.share;
}

}  // namespace weft::fetcher
