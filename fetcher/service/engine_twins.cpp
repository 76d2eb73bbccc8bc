// SPDX-License-Identifier: Apache-2.0
// FetchEngine: blocks with equal content cross the links once.
#include "fetcher/service/engine.h"
#include "fetcher/service/twin_copy.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t copied_together = 1024;
constexpr Duration review_every = std::chrono::milliseconds(250);

}  // namespace

Twins::Look FetchEngine::looker(const ImageId& asking) const {
  return [this, asking](const Twins::Place& first, BlockIndex twin) {
    const State state = find(first.image);
    if (!state) return Twins::State::gone;
    if (state->image->readable({first.block, BlockCount(1)})) return Twins::State::here;
    const bool coming = scheduler_.worth_waiting_for({first.image, first.block}, {asking, twin});
    return coming ? Twins::State::on_its_way : Twins::State::gone;
  };
}

/// Wants what is missing of a slice, but not twice what it or others contain twice.
void FetchEngine::want_once(const State& state, Materializer::Wanted wanted) {
  const ImageId& id = state->id();
  std::vector<BlockRange> blocks;
  if (wanted.keyed.empty()) {
    blocks = not_readable(*state->image, wanted.blocks);
  } else {
    std::erase_if(wanted.keyed, [&](const Twins::Keyed& keyed) {
      return state->image->readable({keyed.block, BlockCount(1)});
    });
    blocks = twins_.claim(id, wanted.keyed, looker(id));
  }
  scheduler_.want(id, blocks, wanted.nodes, wire::Priority::prefetch, timers_.now());
}

/// Brings in twins whose content has landed, and looks after those that wait. False: there was
/// nothing to copy.
Awaitable<bool> FetchEngine::bring_in_twins(State state) {
  const ImageId id = state->id();
  if (timers_.now() >= state->review_twins_at) {
    state->review_twins_at = timers_.now() + review_every;
    const std::vector<BlockRange> left = twins_.review(id, looker(id));
    scheduler_.want(id, not_readable(*state->image, left), {}, wire::Priority::prefetch,
                    timers_.now());
    drain();
  }
  std::vector<Twins::Copy> ready = twins_.take_ready(id, copied_together);
  if (ready.empty()) co_return false;
  auto twins = std::make_shared<std::vector<TwinToCopy>>();
  for (const Twins::Copy& twin : ready) {
    const State from = find(twin.from.image);
    twins->push_back({from ? from->image : nullptr, twin.from.block, twin.to});
  }
  const auto work = [state, twins]() -> Result<CopiedTwins> {
    return copy_twins(*state->image, std::move(*twins));
  };
  const Result<CopiedTwins> copied = co_await run_on_worker(workers_, work);
  if (stopping_ || !copied) co_return false;
  apply(state, *copied);
  drain();
  co_return !copied->store_error;
}

void FetchEngine::apply(const State& state, const CopiedTwins& copied) {
  const ImageId& id = state->id();
  count(state, {.twins = bytes_of(copied.copied), .joined = bytes_of(copied.joined)});
  twins_.landed(id, copied.readable);
  scheduler_.landed(id, copied.readable, timers_.now());
  scheduler_.want(id, copied.failed, {}, wire::Priority::prefetch, timers_.now());
  if (!copied.store_error) return;
  std::vector<Twins::Copy> again;
  for (const TwinToCopy& twin : copied.unstored) {
    if (twin.from) again.push_back({{twin.from->info().id, twin.first}, twin.to});
  }
  twins_.put_back(id, std::move(again));
  store_failed(state, *copied.store_error);
}

}  // namespace weft::fetcher
