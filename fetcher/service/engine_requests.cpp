// SPDX-License-Identifier: Apache-2.0
// FetchEngine: what the scheduler wants from peers, and what they answer.
#include "fetcher/service/engine.h"
#include "fetcher/swarm/swarm.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t frame_overhead = 64;

/// Not everything that came is here from elsewhere already.
bool any_of_use(const ImageSchedule::Fetch& fetch, const std::vector<BlockRange>& blocks) {
  return std::ranges::any_of(
      blocks, [&](const BlockRange& range) { return !fetch.superseded.covers(range); });
}

}  // namespace

void FetchEngine::perform(SendBlocks& command) {
  if (command.by_digest) {
    const State state = find(command.image);
    const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
    if (!state || !session) return;  // about to be reported lost
    spawn_for(state, "fetch by digest", fetch_by_digest(std::move(command), state, session));
    return;
  }
  if (!nodes_sent_) return send_blocks(std::move(command));
  // Node requests leave from the loop: blocks that need them go behind, the same way.
  tasks_.spawn("send a blocks request", send_behind(std::move(command)));
}

Awaitable<void> FetchEngine::send_behind(SendBlocks command) {
  send_blocks(std::move(command));
  co_return;
}

void FetchEngine::send_blocks(SendBlocks command) {
  const auto priority = scheduler_.priority_of(command.id);
  if (!priority) return;  // over before it was sent
  const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
  if (!session) return;  // about to be reported lost
  const FetchId id = command.id;
  const PeerId peer = command.peer;
  const ImageId image = command.image;
  const RequestId request =
      session->blocks(image, std::move(command.ranges), *priority,
                      [this, id, peer, image](Result<wire::BlockBatch> batch, bool last) {
                        on_batch(id, peer, image, std::move(batch), last);
                      });
  if (scheduler_.priority_of(id)) requests_[id] = request;
}

void FetchEngine::perform(SendNodes& command) {
  const State state = find(command.image);
  const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
  if (!state || !session) return;
  nodes_sent_ = true;
  spawn_for(state, "fetch tree nodes", fetch_nodes(std::move(command), state, session));
}

void FetchEngine::perform(const RaiseFetch& command) {
  const auto request = requests_.find(command.id);
  const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
  if (request != requests_.end() && session) {
    session->reprioritise(request->second, wire::Priority::demand);
  }
}

void FetchEngine::perform(const CancelFetch& command) {
  const auto request = requests_.extract(command.id);
  const std::shared_ptr<PeerSession> session = peers_.session(command.peer);
  if (request && session) session->cancel(request.mapped());
}

void FetchEngine::on_batch(FetchId id, PeerId peer, const ImageId& image,
                           Result<wire::BlockBatch> batch, bool last) {
  const State state = find(image);
  if (stopping_ || !state) return;
  if (!batch) return request_failed(id, peer, image, batch.error());
  if (const auto session = peers_.session(peer)) {
    const LinkEstimate link = session->link();
    scheduler_.link_measured(peer, link.bytes_per_second, link.round_trip);
  }
  Scheduler::Answer answer{batch->ranges, std::move(batch->absent), batch->packed.size(), last};
  answer.wire_bytes += frame_overhead;
  answer.blocks.insert(answer.blocks.end(), batch->zero.begin(), batch->zero.end());
  const ImageSchedule::Fetch* fetch = scheduler_.fetch(id);
  const bool useless = fetch == nullptr || !any_of_use(*fetch, answer.blocks);
  const auto priority = fetch != nullptr ? fetch->priority : wire::Priority::prefetch;
  const bool by_digest = fetch != nullptr && fetch->by_digest;
  const Scheduler::Verdict verdict = scheduler_.answered(id, answer, timers_.now());
  statistics_.received_wire += ByteCount(answer.wire_bytes);
  counters_[peer].wire += answer.wire_bytes;
  if (last || verdict != Scheduler::Verdict::fine) requests_.erase(id);
  if (verdict == Scheduler::Verdict::stale) {
    counters_[peer].late += RangeSet(answer.blocks).count();
  }
  const bool good = verdict == Scheduler::Verdict::fine || verdict == Scheduler::Verdict::truncated;
  if (good && (!useless || answer.blocks.empty())) {
    arrived(state, {peer, priority, by_digest,
                    std::make_shared<const wire::BlockBatch>(std::move(*batch)), timers_.now()});
    if (state->swarm) state->swarm->brought(peer, timers_.now());
  }
  if (verdict == Scheduler::Verdict::unasked) ban(peer, state, "sent blocks nobody asked for");
  if (verdict == Scheduler::Verdict::truncated) ban(peer, state, "an answer ended early");
  drain();
}

void FetchEngine::request_failed(FetchId id, PeerId peer, const ImageId& image,
                                 const Error& error) {
  requests_.erase(id);
  if (error.is(Errc::cancelled)) return;
  if (connection_is_lost(error)) {
    peers_.drop(peer, error);
  } else {
    if (error.is(Errc::unknown_image)) {
      scheduler_.holding(peer, image, Scheduler::Holding::empty, timers_.now());
    }
    scheduler_.failed(id, true, timers_.now());
    peers_.note_error(peer, error.message());
  }
  drain();
}

Awaitable<void> FetchEngine::fetch_nodes(SendNodes command, State state,
                                         std::shared_ptr<PeerSession> session) {
  const NodeFetchId id = command.id;
  const PeerId peer = command.peer;
  Result<wire::TreeNodes> answer = co_await ask_for_nodes(std::move(command), state, session);
  if (stopping_) co_return;
  const TimePoint now = timers_.now();
  const LinkEstimate link = session->link();
  scheduler_.link_measured(peer, link.bytes_per_second, link.round_trip);
  if (!answer) {
    if (connection_is_lost(answer.error())) peers_.drop(peer, answer.error());
    scheduler_.nodes_failed(id, true, now);
    drain();
    co_return;
  }
  std::vector<TreeNode> present;
  for (const auto& entry : answer->nodes)
    present.push_back(entry.node);
  const Scheduler::Verdict verdict = scheduler_.nodes_answered(id, present, now);
  if (verdict == Scheduler::Verdict::unasked) ban(peer, state, "sent tree nodes nobody asked for");
  drain();
  if (verdict == Scheduler::Verdict::fine && !answer->nodes.empty()) {
    co_await land_tree(state, peer, std::move(answer->nodes));
  }
}

}  // namespace weft::fetcher
