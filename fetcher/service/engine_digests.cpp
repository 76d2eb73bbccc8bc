// SPDX-License-Identifier: Apache-2.0
// FetchEngine: blocks that peers hold in other images.
#include "fetcher/service/digest_lookup.h"
#include "fetcher/service/engine.h"

#include <memory>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration have_timeout = std::chrono::seconds(5);

}  // namespace

void FetchEngine::perform(AskHave& command) {
  const State state = find(command.image);
  const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
  if (!state || !session) return;  // about to be reported lost
  spawn_for(state, "ask what a peer has", ask_have(std::move(command), state, session));
}

Awaitable<void> FetchEngine::ask_have(AskHave command, State state,
                                      std::shared_ptr<PeerSession> session) {
  const HaveId id = command.id;
  const PeerId peer = command.peer;
  const auto look = [state, blocks = std::move(command.blocks)]() -> Result<HaveKeys> {
    return have_keys(*state->image, state->loose, blocks);
  };
  const Result<HaveKeys> keys = co_await run_on_worker(workers_, look);
  if (stopping_ || !keys) co_return;
  std::vector<BlockRange> held;
  if (!keys->keys.empty()) {
    const ByteCount cost(keys->keys.size() * HaveKeys::key_bytes + keys->keys.size() / 8);
    count(state, {.have_queries = 1, .have_bytes = cost});
    const TimePoint deadline = timers_.now() + have_timeout;
    const Result<std::vector<bool>> answer =
        co_await session->have(keys->keys, HaveKeys::key_bytes, deadline);
    if (stopping_) co_return;
    if (!answer) {
      if (connection_is_lost(answer.error())) peers_.drop(peer, answer.error());
      scheduler_.have_failed(id, timers_.now());
      drain();
      co_return;
    }
    held = held_blocks(*keys, *answer);
  }
  scheduler_.have_answered(id, held, timers_.now());
  drain();
}

Awaitable<void> FetchEngine::fetch_by_digest(SendBlocks command, State state,
                                             std::shared_ptr<PeerSession> session) {
  const FetchId id = command.id;
  const PeerId peer = command.peer;
  const ImageId image = command.image;
  auto ranges = std::make_shared<const std::vector<BlockRange>>(std::move(command.ranges));
  const auto look = [state, ranges] { return digests_of(*state->image, state->loose, *ranges); };
  Result<std::vector<Digest>> digests = co_await run_on_worker(workers_, look);
  if (stopping_) co_return;
  const auto priority = scheduler_.priority_of(id);
  if (!priority) co_return;  // over before it was sent
  if (!digests) {
    scheduler_.failed(id, true, timers_.now());
    drain();
    co_return;
  }
  const RequestId request = session->blocks_by_digest(
      std::move(*digests), *priority,
      [this, id, peer, image, ranges](Result<wire::BlockBatch> batch, bool last) {
        if (batch) batch = by_range(*ranges, std::move(*batch));
        on_batch(id, peer, image, std::move(batch), last);
      });
  if (scheduler_.priority_of(id)) requests_[id] = request;
}

}  // namespace weft::fetcher
