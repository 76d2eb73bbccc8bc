// SPDX-License-Identifier: Apache-2.0
// FetchEngine: who waits, for what, and why; and how far it came.
#include "fetcher/service/engine.h"

#include <algorithm>

namespace weft::fetcher {

BlockOrigin FetchEngine::origin_of(PeerId peer) const {
  std::optional<Duration> round_trip;
  if (const auto session = peers_.session(peer)) {
    const LinkEstimate link = session->link();
    if (link.round_trip_measured) round_trip = link.round_trip;
  }
  return origin_of_peer(scheduler_.own_site(), scheduler_.site_of(peer), round_trip);
}

WaitingFetch FetchEngine::describe_wait(const ImageState& state, FetchTicket ticket,
                                        const ImageSchedule::Read& read) const {
  const ImageSchedule& schedule = *scheduler_.image(state.id());
  const BlockIndex block = read.outstanding.first();
  WaitingFetch wait{.ticket = ticket, .first_missing = block, .missing = read.outstanding.count()};
  if (const auto waiter = state.waiters.find(ticket); waiter != state.waiters.end()) {
    wait.age = timers_.now() - waiter->second.since;
  }
  for (const PeerId peer : schedule.tried(read))
    wait.peers.push_back(peers_.address(peer));
  const auto holders = schedule.holders.with_blocks();
  const auto holds = [&](PeerId peer) { return schedule.holders.holds(peer, block); };
  if (schedule.is_landing(block)) {
    wait.reason = schedule.nodes.awaits_leaf({block, BlockCount(1)}) ? WaitReason::tree
                                                                     : WaitReason::verifying;
  } else if (schedule.sender_of(block)) {
    wait.reason = WaitReason::asked;
  } else if (peers_.connected().empty()) {
    wait.reason = WaitReason::not_connected;
  } else if (read.too_dear) {
    wait.reason = WaitReason::over_budget;
  } else if (schedule.nodes.awaits_leaf({block, BlockCount(1)}) && !holders.empty()) {
    wait.reason = WaitReason::tree;
  } else {
    wait.reason =
        std::ranges::any_of(holders, holds) ? WaitReason::link_full : WaitReason::not_held;
  }
  return wait;
}

std::vector<WaitingFetch> FetchEngine::waits_of(const ImageState& state) const {
  std::vector<WaitingFetch> waits;
  for (const auto& [ticket, read] : scheduler_.image(state.id())->reads()) {
    if (waits.size() == most_waits_described) break;
    if (read.outstanding.count() == BlockCount(0)) continue;
    waits.push_back(describe_wait(state, ticket, read));
  }
  return waits;
}

}  // namespace weft::fetcher
