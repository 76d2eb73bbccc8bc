// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm.h"

#include "indexer/core/assert.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration connect_within = std::chrono::seconds(10);
constexpr Duration shun_for = std::chrono::minutes(1);
constexpr unsigned young_answers = 4;  // so many come soon
constexpr std::size_t most_granted = 64;
constexpr double first_lots = 1;  // pieces granted in the whole swarm, at the first idle tick

}  // namespace

Swarm::Swarm(NodeId self, ImageId image, BlockCount blocks, std::uint64_t seed, SwarmLimits limits)
    : self_(self),
      image_(image),
      limits_(limits),
      random_(mix(seed)),
      order_(std::make_shared<SwarmOrder>(blocks, random_)) {}

double Swarm::next_random() {
  random_ = mix(random_);
  return static_cast<double>(random_ >> 11U) * 0x1p-53;
}

// --- What happens.

void Swarm::connected(PeerId peer, const NodeId& node, bool speaks, TimePoint now) {
  Peer& entry = peers_[peer];
  entry = {};
  entry.node = node;
  entry.speaks = speaks;
  entry.ask_at = entry.since = entry.useful = now;
  update_order(now);
}

void Swarm::gone(PeerId peer, TimePoint now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  for (auto& [address, dialled] : dialled_) {
    if (dialled.node == found->second.node) dialled.since = now;
  }
  peers_.erase(found);
  order_->remove_origin(peer);
  update_order(now);
}

void Swarm::answered(PeerId peer, const wire::SwarmAnswer& answer, TimePoint now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  Peer& entry = found->second;
  const bool grew = answer.members > entry.share.members + entry.share.members / 8;
  entry.known = true;
  entry.origin = answer.origin;
  entry.share = {answer.members, answer.slot};
  entry.answers = grew ? 0 : entry.answers + 1;
  const Duration pause = entry.answers < young_answers ? limits_.ask_soon
                         : answer.origin               ? limits_.ask_every
                                                       : limits_.ask_partners;
  entry.ask_at = now + pause;
  note(hints_, answer.partners);
  update_order(now);
  order_->look_again();
}

void Swarm::called_by(const std::vector<wire::SwarmPartner>& callers) {
  note(callers_, callers);
}

void Swarm::note(std::map<std::string, NodeId>& in,
                 const std::vector<wire::SwarmPartner>& partners) {
  for (const wire::SwarmPartner& partner : partners) {
    if (in.size() >= limits_.addresses) return;
    if (partner.node == self_ || find(partner.node) != nullptr) continue;
    if (dialled_.contains(partner.address) || shunned_.contains(partner.address)) continue;
    in.emplace(partner.address, partner.node);
  }
}

void Swarm::brought(PeerId peer, TimePoint now) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  found->second.useful = now;
  if (found->second.known && !found->second.origin) brought_at_ = now;
}

const Swarm::Peer* Swarm::find(const NodeId& node) const {
  const auto found =
      std::ranges::find_if(peers_, [&](const auto& entry) { return entry.second.node == node; });
  return found == peers_.end() ? nullptr : &found->second;
}

bool Swarm::active() const {
  return pending_ || members() > 1 || !partners_.empty();
}

std::size_t Swarm::members() const {
  std::size_t most = 0;
  for (const auto& [id, peer] : peers_)
    most = std::max<std::size_t>(most, peer.share.members);
  return most;
}

void Swarm::update_order(TimePoint now) {
  partners_.clear();
  std::set<PeerId> pending;
  for (const auto& [id, peer] : peers_) {
    if (!peer.known || !peer.origin) order_->remove_origin(id);
    if (peer.known && peer.origin) {
      order_->set_share(id, peer.share, peer.answers > 0);
    } else if (peer.known) {
      partners_.push_back(id);
    } else if (peer.speaks && now - peer.since < limits_.pending_for) {
      pending.insert(id);
    }
  }
  pending_ = !pending.empty();
  if (members() > 1 && !brought_at_) brought_at_ = now;
  order_->spare_origins(brought_at_ && now - *brought_at_ < limits_.alone_after);
  order_->set_partners(partners_);
  order_->set_pending(std::move(pending));
}

// --- What to do.

Swarm::Actions Swarm::tick(const View& view, TimePoint now) {
  Actions actions;
  std::erase_if(shunned_, [now](const auto& entry) { return now >= entry.second; });
  // Who said that it does not fetch the image may have begun since.
  for (auto& [id, peer] : peers_) {
    if (!std::exchange(peer.holds, view.holders.has_image(id)) && peer.holds) peer.ask_at = now;
  }
  ask_around(actions, now);
  drop_useless(actions, now);
  dial_more(actions, now);
  update_order(now);
  order_->look_again();
  draw_lots(view);
  return actions;
}

void Swarm::ask_around(Actions& actions, TimePoint now) {
  for (auto& [id, peer] : peers_) {
    if (!peer.speaks || now < peer.ask_at) continue;
    peer.ask_at = now + limits_.ask_every;  // unless an answer says otherwise
    actions.ask.push_back(id);
  }
}

void Swarm::drop_useless(Actions& actions, TimePoint now) {
  for (auto it = dialled_.begin(); it != dialled_.end();) {
    const Peer* peer = find(it->second.node);
    const bool lost = peer == nullptr && now - it->second.since > connect_within;
    const bool useless =
        peer != nullptr && !hints_.empty() && now - peer->useful > limits_.useless_after;
    if (!lost && !useless) {
      ++it;
      continue;
    }
    actions.hang_up.push_back(it->first);
    shunned_[it->first] = now + shun_for;
    it = dialled_.erase(it);
  }
}

void Swarm::dial_more(Actions& actions, TimePoint now) {
  dial(callers_, true, actions, now);
  dial(hints_, false, actions, now);
}

void Swarm::dial(std::map<std::string, NodeId>& from, bool back, Actions& actions, TimePoint now) {
  std::erase_if(from, [this](const auto& hint) {
    return find(hint.second) != nullptr || dialled_.contains(hint.first);
  });
  const std::size_t most = back ? limits_.callers : limits_.partners;
  auto used = static_cast<std::size_t>(std::ranges::count_if(
      dialled_, [back](const auto& entry) { return entry.second.back == back; }));
  for (; used < most && !from.empty(); ++used) {
    const auto at = static_cast<std::ptrdiff_t>(next_random() * static_cast<double>(from.size()));
    const auto hint = std::next(from.begin(), at);
    dialled_[hint->first] = {hint->second, back, now};
    actions.dial.push_back(hint->first);
    from.erase(hint);
  }
}

void Swarm::draw_lots(const View& view) {
  idle_ticks_ = view.idle && !view.wanted.empty() ? idle_ticks_ + 1 : 0;
  std::set<std::uint32_t> granted;
  if (idle_ticks_ > 1 && members() > 1) {
    const double others = std::max<double>(1, static_cast<double>(members()));
    double lots = first_lots * std::exp2(std::min(idle_ticks_ - 2, 30U)) / others;
    for (; next_random() < lots && granted.size() < most_granted; lots -= 1) {
      const Pieces& pieces = order_->pieces();
      const auto start =
          static_cast<std::uint64_t>(next_random() * static_cast<double>(pieces.count()));
      // A random piece that only an origin can give, if one is found soon.
      for (std::uint64_t i = 0; i < 256; ++i) {
        const std::uint64_t piece = (start + i) % pieces.count();
        const auto block = view.wanted.first_within(pieces.range(piece));
        if (!block || !order_->only_at_origins(view.holders, block->first)) continue;
        granted.insert(static_cast<std::uint32_t>(piece));
        break;
      }
    }
  }
  order_->grant(std::move(granted));
}

std::vector<std::string> Swarm::dialled() const {
  std::vector<std::string> all;
  for (const auto& [address, entry] : dialled_)
    all.push_back(address);
  return all;
}

void Swarm::check_invariants() const {
  WEFT_ASSERT(dialled_.size() <= limits_.partners + limits_.callers,
              "too many partners are dialled");
  WEFT_ASSERT(hints_.size() <= limits_.addresses, "too many addresses are remembered");
  for (const auto& [address, entry] : dialled_)
    WEFT_ASSERT(!hints_.contains(address), "an address is dialled and waits to be");
}

}  // namespace weft::fetcher
