// SPDX-License-Identifier: Apache-2.0
// Scheduler: which links there are, how they do, and what becomes of what was asked over those that
// stop.
#include "fetcher/schedule/scheduler.h"
#include "indexer/core/assert.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {

using wire::Priority;

// --- They come and go.

void Scheduler::peer_up(PeerId peer) {
  links_.try_emplace(peer);
}

void Scheduler::peer_down(PeerId peer, TimePoint now) {
  if (links_.erase(peer) == 0) return;
  std::erase_if(have_queries_, [&](const auto& entry) { return entry.second.peer == peer; });
  for (auto& [id, image] : images_) {
    image.schedule.holders.disconnected(peer);
    image.schedule.drop_queue(peer);
    image.replanner.holders_changed();
    image.haves.forget(peer);
    image.haves_due = Priority::prefetch;
    std::vector<FetchId> lost;
    for (const auto& [fetch, entry] : image.schedule.fetches()) {
      if (entry.peer == peer) lost.push_back(fetch);
    }
    for (const FetchId fetch : lost)
      end_fetch(image, fetch);
  }
  drop_node_fetches([&](const NodeFetch& fetch) { return fetch.peer == peer; });
  dispatch(now);
}

void Scheduler::link_measured(PeerId peer, double bytes_per_second, Duration round_trip) {
  const auto it = links_.find(peer);
  if (it == links_.end()) return;
  Link& link = it->second;
  link.window.measured(bytes_per_second, round_trip);
  if (std::abs(bytes_per_second - link.rate_at_haves) < link.rate_at_haves / 4) return;
  link.rate_at_haves = bytes_per_second;
  haves_due();
}

void Scheduler::link_info(PeerId peer, PeerLinkInfo info) {
  link_info_.insert_or_assign(peer, std::move(info));
  for (auto& [id, image] : images_)
    image.replanner.goal_changed();
}

std::string Scheduler::site_of(PeerId peer) const {
  const auto info = link_info_.find(peer);
  return info == link_info_.end() ? std::string() : info->second.site;
}

void Scheduler::own_link(OwnLinkInfo info, TimePoint now) {
  node_cap_.limit(info.ingress_bytes_per_second, now);
  own_link_ = std::move(info);
  for (auto& [id, image] : images_)
    image.replanner.goal_changed();
}

bool Scheduler::ban(PeerId peer, const ImageId& id, TimePoint now) {
  Image& image = at(id);
  if (!image.schedule.holders.ban(peer)) return false;
  image.schedule.drop_queue(peer);
  image.replanner.holders_changed();
  image.haves_due = Priority::prefetch;
  std::vector<FetchId> running;
  for (const auto& [fetch, entry] : image.schedule.fetches()) {
    if (entry.peer == peer) running.push_back(fetch);
  }
  leave(image, running);
  drop_node_fetches(
      [&](const NodeFetch& fetch) { return fetch.peer == peer && fetch.image == id; });
  dispatch(now);
  return true;
}

// --- They stall.

void Scheduler::find_stalled(TimePoint now) {
  constexpr unsigned longest_probation = 5;  // 2 s, twice as long after every stall, 32 s at most
  std::vector<PeerId> stalled;
  for (auto& [peer, link] : links_) {
    if (link.window.stalled(now)) {
      if (!link.stalled) {
        holders_changed();
        link.stalls = std::min(link.stalls + 1, longest_probation);
        link.stalled = now + std::chrono::seconds(1 << link.stalls);
      }
      stalled.push_back(peer);
    } else if (link.stalled && now >= *link.stalled) {
      link.stalled.reset();
    }
  }
  for (const PeerId peer : stalled)
    leave_stalled(peer);
}

void Scheduler::leave_stalled(PeerId peer) {
  for (auto& [id, image] : images_) {
    std::vector<FetchId> late;
    for (const auto& [fetch, entry] : image.schedule.fetches()) {
      if (entry.peer != peer || entry.remaining.empty()) continue;
      const BlockIndex first = entry.remaining.first();
      const bool elsewhere = std::ranges::any_of(links_, [&](const auto& other) {
        return other.first != peer && other.second.lively() &&
               image.schedule.holders.holds(other.first, first);
      });
      if (elsewhere) late.push_back(fetch);
    }
    leave(image, late);
  }
}

bool Scheduler::is_alive(PeerId peer) const {
  const auto link = links_.find(peer);
  return link != links_.end() && !link->second.stalled;
}

bool Scheduler::has_lively_holder(const Place& place) const {
  const ImageSchedule* schedule = image(place.image);
  return schedule != nullptr && std::ranges::any_of(links_, [&](const auto& link) {
           return !link.second.stalled && schedule->holders.holds(link.first, place.block);
         });
}

// --- As others see them.

const LinkWindow* Scheduler::link(PeerId peer) const {
  const auto it = links_.find(peer);
  return it == links_.end() ? nullptr : &it->second.window;
}

std::vector<PeerId> Scheduler::usable(const std::vector<PeerId>& holders) const {
  std::vector<PeerId> connected;
  std::vector<PeerId> lively;
  for (const PeerId peer : holders) {
    const auto link = links_.find(peer);
    if (link == links_.end()) continue;
    connected.push_back(peer);
    if (link->second.lively()) lively.push_back(peer);
  }
  return lively.empty() ? connected : lively;
}

SourceState Scheduler::source(PeerId peer, const PerPeer& assigned) const {
  const LinkWindow& window = links_.at(peer).window;
  SourceState state{peer, window.bytes_per_second(), window.round_trip(), window.queued_bytes(),
                    window.wire_bytes_per_block()};
  if (const auto it = assigned.find(peer); it != assigned.end()) {
    for (const BlockRange& range : it->second) {
      state.queued_bytes += static_cast<double>(range.count.value()) * state.wire_bytes_per_block;
    }
  }
  return state;
}

std::vector<LinkPace> Scheduler::paces() const {
  std::vector<LinkPace> all;
  all.reserve(links_.size());
  for (const auto& [peer, link] : links_) {
    const LinkWindow& window = link.window;
    LinkPace& pace = all.emplace_back();
    pace = {.peer = peer,
            .bytes_per_second = window.bytes_per_second(),
            .round_trip = window.round_trip(),
            .wire_bytes_per_block = window.wire_bytes_per_block(),
            .outstanding = window.outstanding(),
            .lively = link.lively()};
    const auto info = link_info_.find(peer);
    if (info == link_info_.end()) continue;
    pace.price_per_gib = info->second.price_per_gib;
    pace.capped_site = capped_site(info->second);
  }
  return all;
}

std::optional<std::uint32_t> Scheduler::capped_site(const PeerLinkInfo& info) const {
  if (info.site.empty() || info.site == own_link_.site) return std::nullopt;
  const auto site = std::ranges::find(own_link_.sites, info.site, &SiteInfo::name);
  if (site == own_link_.sites.end() || site->uplink_bytes_per_second <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(site - own_link_.sites.begin());
}

void Scheduler::holders_changed() {
  for (auto& [id, image] : images_)
    image.replanner.holders_changed();
}

std::vector<LinkPace> Scheduler::lively_holders(const Image& image) const {
  std::vector<LinkPace> links = paces();
  std::erase_if(links, [](const LinkPace& link) { return !link.lively; });
  const std::vector<PeerId> holders = image.schedule.holders.with_blocks();
  std::erase_if(
      links, [&](const LinkPace& link) { return !std::ranges::binary_search(holders, link.peer); });
  return links;
}

}  // namespace weft::fetcher
