// SPDX-License-Identifier: Apache-2.0
// FetchEngine: what a boot of an image reads, as peers know it.
#include "fetcher/profile/profile_source.h"
#include "fetcher/service/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace weft::fetcher {
namespace {

/// A guest that has run for so long has booted.
constexpr Duration worth_asking_for = std::chrono::seconds(60);
constexpr Duration answer_time = std::chrono::seconds(20);
/// Holders of one image that are asked.
constexpr std::size_t peers_asked = 8;

}  // namespace

/// Once for each time the image is attached; ends when it is detached.
Awaitable<void> FetchEngine::find_profile(State state) {
  ProfileKeeper& keeper = *options_.profiles;
  const ImageId id = state->id();
  const auto known =
      co_await run_on_worker(workers_, [&keeper, id]() -> Result<bool> { return keeper.has(id); });
  if (!known || *known) co_return;
  const TimePoint deadline = timers_.now() + worth_asking_for;
  std::set<PeerId> asked;            // for its own profile
  std::set<PeerId> asked_for_other;  // for that of a relative
  while (!stopping_ && state->attached > 0 && find(id) == state && timers_.now() < deadline) {
    // A relative's is only the second best: every holder is asked for the image's own before.
    auto peer = holder_to_ask(state, asked);
    const bool relatives = !peer;
    if (relatives) peer = holder_to_ask(state, asked_for_other);
    if (!peer) {
      (void)co_await state->changed.wait_until(timers_, deadline);
      continue;
    }
    (relatives ? asked_for_other : asked).insert(*peer);
    const bool found = co_await ask_for_profile(*peer, state, relatives);
    if (found) co_return;
  }
}

/// The nearest that has the image, can answer and is not in `asked`.
std::optional<PeerId> FetchEngine::holder_to_ask(const State& state,
                                                 const std::set<PeerId>& asked) const {
  if (asked.size() >= peers_asked) return std::nullopt;
  const ImageSchedule* schedule = scheduler_.image(state->id());
  std::optional<PeerId> nearest;
  Duration least{};
  for (const PeerId peer : peers_.connected()) {
    const auto session = peers_.session(peer);
    if (asked.contains(peer) || !schedule->holders.has_image(peer) ||
        (session->remote().features & wire::feature_profiles) == 0) {
      continue;
    }
    const Duration round_trip = session->link().round_trip;
    if (nearest && round_trip >= least) continue;
    nearest = peer;
    least = round_trip;
  }
  return nearest;
}

Awaitable<bool> FetchEngine::ask_for_profile(PeerId peer, State state, bool relatives) {
  const std::shared_ptr<PeerSession> session = peers_.session(peer);
  if (!session) co_return false;
  const TimePoint deadline = timers_.now() + answer_time;
  wire::ProfileRequest request{.image = state->id(), .relatives = relatives};
  request.max_entries = max_profile_entries;
  auto profile = co_await session->profile(request, deadline);
  if (!profile) {
    if (profile.error().is(Errc::peer_misbehaved)) {
      peers_.note_error(peer, profile.error().message());
    }
    co_return false;
  }
  spdlog::debug("peer {}: boot profile of {}: {} blocks of {} boots", session->remote().name,
                to_hex(profile->image), profile->entries.size(), profile->boots);
  auto learn = [&keeper = *options_.profiles, p = *std::move(profile)] { return keeper.learn(p); };
  const auto learnt = co_await run_on_worker(workers_, std::move(learn));
  if (!learnt) {
    spdlog::warn("a boot profile cannot be kept: {}", learnt.error().message());
    co_return false;
  }
  state->changed.notify_all();
  profile_changed(state->id());
  co_return true;
}

}  // namespace weft::fetcher
