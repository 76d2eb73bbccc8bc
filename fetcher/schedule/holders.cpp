// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/holders.h"

#include <algorithm>
#include <tuple>
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
  p.gains = ++last_gain_;
  p.has.clear();
  p.lacks.clear();
}

void Holders::partial(PeerId peer, const std::vector<BlockRange>& added,
                      const std::vector<BlockRange>& removed) {
  Peer& p = peers_[peer];
  if (p.says != Says::complete) p.says = Says::partial;
  if (!added.empty()) p.gains = ++last_gain_;
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

void Holders::has_by_digest(PeerId peer, BlockRange range) {
  Peer& p = peers_[peer];
  p.by_digest.add(range);
  p.gains = ++last_gain_;
}

void Holders::lacks_by_digest(PeerId peer, BlockRange range) {
  if (const auto it = peers_.find(peer); it != peers_.end()) it->second.by_digest.remove(range);
}

void Holders::forget_by_digest(PeerId peer) {
  if (const auto it = peers_.find(peer); it != peers_.end()) it->second.by_digest.clear();
}

void Holders::landed(BlockRange range) {
  for (auto& [id, peer] : peers_) {
    if (!peer.by_digest.empty()) peer.by_digest.remove(range);
  }
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
    peer.gains = ++last_gain_;
    any = true;
  }
  return any;
}

bool Holders::has_image(const Peer& peer) {
  return !peer.banned && (peer.says == Says::complete || peer.says == Says::partial);
}

bool Holders::usable(const Peer& peer) {
  return has_image(peer) || (!peer.banned && !peer.by_digest.empty());
}

bool Holders::holds(PeerId peer, BlockIndex block) const {
  return first_held(peer, {block, BlockCount(1)}).has_value();
}

std::uint64_t Holders::gains(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? 0 : it->second.gains;
}

std::optional<BlockRange> Holders::first_held(PeerId peer, BlockRange range) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || !usable(it->second)) return std::nullopt;
  const Peer& p = it->second;
  const auto in_image = first_in_image(p, range);
  const auto by_digest = p.by_digest.first_within(range);
  if (!in_image || !by_digest) return in_image ? in_image : by_digest;
  return by_digest->first < in_image->first ? by_digest : in_image;
}

std::optional<BlockRange> Holders::first_in_image(const Peer& peer, BlockRange range) {
  if (!has_image(peer)) return std::nullopt;
  const bool complete = peer.says == Says::complete;
  while (!range.empty()) {
    const auto run = complete ? peer.lacks.first_gap(range) : peer.has.first_within(range);
    if (!run) return std::nullopt;
    if (const auto present = peer.absent.first_gap(*run)) return present;
    range = BlockRange::between(run->end(), range.end());
  }
  return std::nullopt;
}

std::vector<BlockRange> Holders::held(PeerId peer, BlockRange range) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || !usable(it->second)) return {};
  const Peer& p = it->second;
  std::vector<BlockRange> parts = in_image(p, range);
  if (p.by_digest.empty()) return parts;
  if (parts.empty()) return p.by_digest.within(range);
  RangeSet both(parts);
  for (const BlockRange& part : p.by_digest.within(range))
    both.add(part);
  return both.ranges();
}

std::vector<BlockRange> Holders::held_in_image(PeerId peer, BlockRange range) const {
  const auto it = peers_.find(peer);
  return it == peers_.end() ? std::vector<BlockRange>{} : in_image(it->second, range);
}

std::vector<BlockRange> Holders::in_image(const Peer& peer, BlockRange range) {
  if (!has_image(peer)) return {};
  std::vector<BlockRange> parts =
      peer.says == Says::complete ? peer.lacks.gaps(range) : peer.has.within(range);
  if (peer.absent.empty()) return parts;
  std::vector<BlockRange> present;
  for (const BlockRange& part : parts) {
    for (const BlockRange& gap : peer.absent.gaps(part))
      present.push_back(gap);
  }
  return present;
}

std::vector<Holders::Run> Holders::runs(BlockRange range) const {
  std::vector<Run> result;
  visit_runs(range, [&](BlockRange run, std::span<const PeerId> peers) {
    result.push_back({run, {peers.begin(), peers.end()}});
  });
  return result;
}

void Holders::visit_runs(BlockRange range, const VisitRun& visit) const {
  struct Change {
    BlockIndex at;
    PeerId peer{};
    bool holds = false;  // from here on
  };
  if (range.empty()) return;
  std::vector<Change> changes;
  for (const auto& [id, peer] : peers_) {
    if (!usable(peer)) continue;
    for (const BlockRange& part : held(id, range)) {
      changes.push_back({part.first, id, true});
      if (part.end() < range.end()) changes.push_back({part.end(), id, false});
    }
  }
  std::ranges::sort(changes, {}, [](const Change& change) {
    return std::tuple(change.at, change.holds, change.peer);
  });
  std::vector<PeerId> peers;  // that hold what follows, ascending
  BlockIndex from = range.first;
  for (const Change& change : changes) {
    if (from < change.at) visit(BlockRange::between(from, change.at), peers);
    from = change.at;
    const auto place = std::ranges::lower_bound(peers, change.peer);
    if (change.holds) {
      peers.insert(place, change.peer);
    } else {
      peers.erase(place);
    }
  }
  visit(BlockRange::between(from, range.end()), peers);
}

std::vector<PeerId> Holders::with_image() const {
  std::vector<PeerId> ids;
  for (const auto& [id, peer] : peers_) {
    if (has_image(peer)) ids.push_back(id);
  }
  return ids;
}

std::vector<PeerId> Holders::with_blocks() const {
  std::vector<PeerId> ids;
  for (const auto& [id, peer] : peers_) {
    if (usable(peer)) ids.push_back(id);
  }
  return ids;
}

bool Holders::has_image(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it != peers_.end() && has_image(it->second);
}

bool Holders::is_complete(PeerId peer) const {
  const auto it = peers_.find(peer);
  if (it == peers_.end() || it->second.banned) return false;
  const Peer& p = it->second;
  return p.says == Says::complete && p.lacks.empty() && p.absent.empty();
}

bool Holders::may_hold(PeerId peer) const {
  const auto it = peers_.find(peer);
  return it != peers_.end() && usable(it->second);
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
