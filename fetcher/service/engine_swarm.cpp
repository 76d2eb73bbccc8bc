// SPDX-License-Identifier: Apache-2.0
// FetchEngine: an image is fetched together with other nodes.
#include "fetcher/service/engine.h"
#include "fetcher/swarm/swarm.h"
#include "fetcher/swarm/swarm_book.h"

#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration answer_time = std::chrono::seconds(10);
constexpr std::uint8_t partners_wanted = 16;
constexpr std::size_t callers_looked_at = 8;

}  // namespace

void FetchEngine::join_swarm(const State& state) {
  if (options_.swarms == nullptr || state->swarm) return;
  const ImageId& id = state->id();
  options_.swarms->fetching(id);
  const std::uint64_t seed = options_.random_seed ^ digest_key(Digest::from(id.view()));
  state->swarm = std::make_shared<Swarm>(options_.node, id, state->image->shape().blocks(), seed);
  for (const PeerId peer : peers_.connected())
    greet_swarm(state, peer, *peers_.session(peer), timers_.now());
  spawn_for(state, "swarm", attend_swarm(state, state->swarm));
}

/// Who was asked is told if everything is here, and else forgets this node by and by; what was
/// dialled for this alone is given up.
void FetchEngine::leave_swarm(const State& state) {
  const std::shared_ptr<Swarm> swarm = std::exchange(state->swarm, nullptr);
  if (!swarm) return;
  state->swarm_changed.notify_all();
  use_swarm(state);
  if (state->image->usage().complete) {
    for (const PeerId peer : peers_.connected())
      spawn_for(state, "leave the swarm", ask_swarm(peer, peers_.session(peer), state));
  }
  for (const std::string& address : swarm->dialled())
    peers_.remove_found(address);
}

void FetchEngine::greet_swarm(const State& state, PeerId peer, const PeerSession& session,
                              TimePoint now) {
  if (!state->swarm) return;
  const wire::Hello& remote = session.remote();
  const bool speaks = (remote.features & wire::feature_swarm) != 0;
  state->swarm->connected(peer, remote.node, speaks, now);
  state->swarm_changed.notify_all();
}

/// Until it is left, which may be before this runs for the first time.
Awaitable<void> FetchEngine::attend_swarm(State state, std::shared_ptr<Swarm> swarm) {
  while (!stopping_ && state->swarm == swarm) {
    tick_swarm(state);
    const TimePoint next = timers_.now() + Swarm::tick_every;
    co_await state->swarm_changed.wait_until(timers_, next);
  }
}

void FetchEngine::tick_swarm(const State& state) {
  const TimePoint now = timers_.now();
  Swarm& swarm = *state->swarm;
  swarm.called_by(options_.swarms->members(state->id(), callers_looked_at, now));
  const ImageSchedule& schedule = *scheduler_.image(state->id());
  const Swarm::View view{.wanted = schedule.wanted(wire::Priority::prefetch),
                         .holders = schedule.holders,
                         .idle = schedule.busy() == BlockCount(0)};
  const Swarm::Actions actions = swarm.tick(view, now);
  for (const PeerId peer : actions.ask) {
    if (auto session = peers_.session(peer)) {
      spawn_for(state, "ask about a swarm", ask_swarm(peer, std::move(session), state));
    }
  }
  for (const std::string& address : actions.hang_up)
    peers_.remove_found(address);
  for (const std::string& address : actions.dial)
    peers_.add_found(address);
  use_swarm(state);
  scheduler_.tick(now);
  drain();
}

Awaitable<void> FetchEngine::ask_swarm(PeerId peer, std::shared_ptr<PeerSession> session,
                                       State state) {
  const std::shared_ptr<Swarm> swarm = state->swarm;
  wire::SwarmRequest request{.image = state->id(),
                             .port = options_.swarms->port(),
                             .complete = swarm == nullptr,
                             .most = partners_wanted};
  const TimePoint deadline = timers_.now() + answer_time;
  const Result<wire::SwarmAnswer> answer = co_await session->swarm(std::move(request), deadline);
  if (stopping_ || !answer || !swarm || state->swarm != swarm) co_return;
  swarm->answered(peer, *answer, timers_.now());
  use_swarm(state);
  scheduler_.tick(timers_.now());
  drain();
}

void FetchEngine::use_swarm(const State& state) {
  const bool active = state->swarm && state->swarm->active();
  scheduler_.use_order(state->id(), active ? state->swarm->order() : nullptr);
}

}  // namespace weft::fetcher
