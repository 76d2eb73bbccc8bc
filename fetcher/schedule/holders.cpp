// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/holders.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weft::fetcher {

void Holders::asked(PeerId peer) {
  Peer& p = peers_[peer];
  if (p.says == Says::nothing || p.says == Says::empty) p.says = Says::asked;
}

void Holders::empty(PeerId peer) {
  Peer& p = peers_[peer];
  p.says = Says::empty;
  p.has.clear();
  p.lacks.clear();
}

void Holders::complete(PeerId peer) {
  Peer& p = peers_[peer];
  p.says = Says::complete;
  p.has.clear();
  p.lacks.clear();
}

void Holders::partial(PeerId peer, const std::vector<BlockRange>& added,
                      const std::vector<BlockRange>& removed) {
  Peer& p = peers_[peer];
  if (p.says != Says::complete) p.says = Says::partial;
  for (const BlockRange& range : added) {
    p.has.add(range);
    p.lacks.remove(range);
    p.absent.remove(range);
  }
  for (const BlockRange& range : removed) {
    p.has.remove(range);
    if (p.says == Says::complete) p.lacks.add(range);
  }
  if (p.says == Says::complete) p.has.clear();
}

void Holders::absent(PeerId peer, BlockRange range, TimePoint until) {
  Peer& p = peers_[peer];
  p.absent.add(range);
  p.absent_until = until;
}

void Holders::disconnected(PeerId peer) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  const bool banned = it->second.banned;
  it->second = Peer{};
  it->second.banned = banned;
  if (!banned) peers_.erase(it);
}

bool Holders::ban(PeerId peer) {
  Peer& p = peers_[peer];
  return !std::exchange(p.banned, true);
}

bool Holders::expire(TimePoint now) {
  bool any = false;
  for (auto& [id, peer] : peers_) {
    if (peer.absent.empty() || now < peer.absent_until) continue;
    peer.absent.clear();
    any = true;
  }
  return any;
}

bool Holders::usable(const Peer& peer) const {
  return !peer.banned && (peer.says == Says::complete || peer.says == Says::partial);
}

bool Holders::holds(PeerId peer, BlockIndex block) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || !usable(it->second)) return false;
  const Peer& p = it->second;
  if (p.absent.contains(block)) return false;
  return p.says == Says::complete ? !p.lacks.contains(block) : p.has.contains(block);
}

std::vector<BlockRange> Holders::held(PeerId peer, BlockRange range) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || !usable(it->second)) return {};
  const Peer& p = it->second;
  std::vector<BlockRange> parts =
      p.says == Says::complete ? p.lacks.gaps(range) : p.has.within(range);
  if (p.absent.empty()) return parts;
  std::vector<BlockRange> present;
  for (const BlockRange& part : parts) {
    for (const BlockRange& gap : p.absent.gaps(part))
      present.push_back(gap);
  }
  return present;
}

std::vector<Holders::Run> Holders::runs(BlockRange range) const {
  std::vector<Run> result;
  if (range.empty()) return result;
  std::set<BlockIndex> cuts{range.first};
  std::map<PeerId, std::vector<BlockRange>> parts;
  for (const auto& [id, peer] : peers_) {
    if (!usable(peer)) continue;
    const auto& held_parts = parts[id] = held(id, range);
    for (const BlockRange& part : held_parts) {
      cuts.insert(part.first);
      if (part.end() < range.end()) cuts.insert(part.end());
    }
  }
  for (auto cut = cuts.begin(); cut != cuts.end(); ++cut) {
    const auto next = std::next(cut);
    Run run{BlockRange::between(*cut, next == cuts.end() ? range.end() : *next), {}};
    for (const auto& [id, held_parts] : parts) {
      const auto after = std::ranges::upper_bound(held_parts, *cut, {}, &BlockRange::first);
      if (after != held_parts.begin() && std::prev(after)->contains(*cut)) run.peers.push_back(id);
    }
    result.push_back(std::move(run));
  }
  return result;
}

std::vector<PeerId> Holders::with_image() const {
  std::vector<PeerId> ids;
  for (const auto& [id, peer] : peers_) {
    if (usable(peer)) ids.push_back(id);
  }
  return ids;
}

bool Holders::is_banned(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it != peers_.end() && it->second.banned;
}

bool Holders::any_asked() const {
  return std::ranges::any_of(peers_, [](const auto& entry) {
    return entry.second.says == Says::asked && !entry.second.banned;
  });
}

bool Holders::is_empty(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it != peers_.end() && it->second.says == Says::empty;
}

}  // namespace weft::fetcher
