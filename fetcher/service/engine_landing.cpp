// SPDX-License-Identifier: Apache-2.0
// FetchEngine: from bytes that have arrived to blocks in the store.
#include "fetcher/service/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

/// Batches nobody waits for at work at a time: as many as keep the workers busy.
constexpr std::size_t landing_limit = 4;
constexpr Duration longest_wait_for_leaf = std::chrono::seconds(30);
constexpr Duration pause_after_store_error = std::chrono::seconds(2);

std::vector<BlockRange> ranges_of(const std::vector<LooseBlock>& blocks) {
  std::vector<BlockRange> ranges;
  for (const LooseBlock& block : blocks)
    ranges.push_back({block.index, BlockCount(1)});
  return ranges;
}

}  // namespace

// --- Blocks.

void FetchEngine::arrived(const State& state, ArrivedBatch batch) {
  const TreeWants& nodes = scheduler_.image(state->id())->nodes;
  const auto waits = [&](const BlockRange& range) { return nodes.awaits_leaf(range); };
  if (std::ranges::any_of(batch.batch->ranges, waits) ||
      std::ranges::any_of(batch.batch->zero, waits)) {
    state->parked.push_back(std::move(batch));  // bounded: it counts as in flight
    return;
  }
  if (batch.priority <= wire::Priority::demand) {
    spawn_for(state, "land a batch", land(state, std::move(batch)));
  } else {
    landing_.emplace_back(state, std::move(batch));
    start_landing();
  }
}

void FetchEngine::start_landing() {
  while (!landing_.empty() && landing_running_ < landing_limit) {
    auto [state, batch] = std::move(landing_.front());
    landing_.pop_front();
    ++landing_running_;
    if (!spawn_for(state, "land a batch", land(state, std::move(batch)))) --landing_running_;
  }
}

Awaitable<void> FetchEngine::land(State state, ArrivedBatch batch) {
  const auto work = [state, bytes = batch.batch]() -> Result<LandedBlocks> {
    return land_blocks(*state->image, state->loose, *bytes);
  };
  Result<LandedBlocks> landed = co_await run_on_worker(workers_, work);
  if (batch.priority > wire::Priority::demand) --landing_running_;
  if (stopping_ || !landed) co_return;
  apply(state, batch, std::move(*landed));
  start_landing();
  drain();
}

void FetchEngine::apply(const State& state, const ArrivedBatch& batch, LandedBlocks landed) {
  const ImageId& id = state->id();
  const TimePoint now = timers_.now();
  if (!landed.wrong.empty()) ban(batch.peer, state, landed.lie->message());
  note_origin(state, batch.peer, landed.readable);
  note_origin(state, batch.peer, landed.zero);
  const BlockCount stored = scheduler_.landed(id, landed.readable, now);
  twins_.landed(id, landed.readable);
  scheduler_.landed(id, landed.zero, now);
  state->committed += stored.value();
  FetchSources sources;
  (batch.by_digest ? sources.by_digest : sources.in_image) = bytes_of(stored);
  count(state, sources);
  counters_[batch.peer].blocks += stored.value();
  statistics_.received_by_priority[static_cast<std::size_t>(batch.priority)] += bytes_of(stored);
  if (!landed.loose.empty()) {
    note_origin(state, batch.peer, ranges_of(landed.loose));
    hand_out(state, landed.loose);
    statistics_.discarded += bytes_of(scheduler_.landed(id, ranges_of(landed.loose), now));
  }
  if (landed.store_error) {
    store_failed(state, *landed.store_error);
  } else if (!landed.readable.empty() && std::exchange(state->disk_full, false)) {
    spdlog::info("image {}: stored again", to_hex(id));
  }
  for (const BlockRange& range : landed.wrong)
    statistics_.discarded += bytes_of(range.count);
  scheduler_.rejected(id, landed.wrong, now);
  if (!landed.missing.empty()) {
    state->parked.push_back(batch);
    scheduler_.want(id, {}, landed.missing, batch.priority, now);
  } else if (!landed.unproved.empty()) {
    if (landed.store_error) fail_waiters(state, landed.unproved, *landed.store_error);
    scheduler_.rejected(id, landed.unproved, now);
  }
  state->changed.notify_all();
}

/// For the image, and for all of them together.
void FetchEngine::count(const State& state, const FetchSources& more) {
  state->sources += more;
  statistics_.sources += more;
}

/// Gives blocks that could not be stored to every read that waits for them.
void FetchEngine::hand_out(const State& state, const std::vector<LooseBlock>& loose) {
  const auto& reads = scheduler_.image(state->id())->reads();
  for (auto& [ticket, waiter] : state->waiters) {
    const auto read = reads.find(ticket);
    if (read == reads.end()) continue;
    for (const LooseBlock& block : loose) {
      if (read->second.outstanding.contains(block.index)) waiter.loose.push_back(block);
    }
  }
}

void FetchEngine::fail_waiters(const State& state, std::span<const BlockRange> ranges,
                               const Error& error) {
  std::vector<FetchTicket> failed;
  for (const auto& [ticket, read] : scheduler_.image(state->id())->reads()) {
    const bool waits = std::ranges::any_of(
        ranges, [&](const BlockRange& range) { return read.outstanding.overlaps(range); });
    if (waits) failed.push_back(ticket);
  }
  for (const FetchTicket ticket : failed)
    finish_read(ticket, error);
}

void FetchEngine::store_failed(const State& state, const Error& error) {
  scheduler_.pause_prefetch(state->id(), timers_.now() + pause_after_store_error);
  if (std::exchange(state->disk_full, true)) return;
  spdlog::warn("image {}: blocks cannot be stored, reads are served without: {}",
               to_hex(state->id()), error.message());
}

// --- Tree nodes.

Awaitable<void> FetchEngine::land_tree(State state, PeerId peer,
                                       std::vector<wire::TreeNodes::Entry> nodes) {
  auto entries = std::make_shared<std::vector<wire::TreeNodes::Entry>>(std::move(nodes));
  const auto work = [state, entries]() -> Result<LandedNodes> {
    return land_nodes(*state->image, state->loose, std::move(*entries));
  };
  Result<LandedNodes> landed = co_await run_on_worker(workers_, work);
  if (stopping_ || !landed) co_return;
  apply(state, peer, std::move(*landed));
  drain();
}

void FetchEngine::apply(const State& state, PeerId peer, LandedNodes landed) {
  const ImageId& id = state->id();
  const TimePoint now = timers_.now();
  if (!landed.wrong.empty()) ban(peer, state, "a tree node fails its digest");
  scheduler_.nodes_rejected(id, landed.wrong, now);
  if (!landed.missing.empty()) {
    scheduler_.want(id, {}, landed.missing, wire::Priority::demand, now);
  }
  scheduler_.nodes_landed(id, landed.landed, now);
  note_origin(state, peer, landed.readable);
  scheduler_.landed(id, landed.readable, now);
  twins_.landed(id, landed.readable);
  if (landed.store_error) store_failed(state, *landed.store_error);
  if (!landed.landed.empty()) land_waiting_nodes(state);
  keep_waiting(state, peer, std::move(landed.waiting));
  unpark(state);
  state->changed.notify_all();
}

/// Nodes keep their sender: who lied is found out only when their parent is here.
void FetchEngine::keep_waiting(const State& state, PeerId peer,
                               std::vector<wire::TreeNodes::Entry> nodes) {
  if (nodes.empty()) return;
  auto& waiting = state->waiting_nodes[peer];
  for (auto& entry : nodes)
    waiting.push_back(std::move(entry));
  if (scheduler_.image(state->id())->holders.is_banned(peer)) forget_nodes_of(state, peer);
}

void FetchEngine::forget_nodes_of(const State& state, PeerId peer) {
  const auto waiting = state->waiting_nodes.extract(peer);
  if (!waiting) return;
  std::vector<TreeNode> nodes;
  for (const auto& entry : waiting.mapped())
    nodes.push_back(entry.node);
  scheduler_.nodes_rejected(state->id(), nodes, timers_.now());
}

void FetchEngine::land_waiting_nodes(const State& state) {
  for (auto& [peer, nodes] : std::exchange(state->waiting_nodes, {})) {
    spawn_for(state, "land tree nodes", land_tree(state, peer, std::move(nodes)));
  }
}

/// Batches whose leaves have come go to the workers.
void FetchEngine::unpark(const State& state) {
  for (ArrivedBatch& batch : std::exchange(state->parked, {}))
    arrived(state, std::move(batch));
}

/// Nobody has their leaves: what is parked would use up what may be in flight.
void FetchEngine::drop_overdue(const State& state, TimePoint now) {
  std::vector<BlockRange> dropped;
  std::erase_if(state->parked, [&](const ArrivedBatch& parked) {
    if (now - parked.since < longest_wait_for_leaf) return false;
    for (const auto* ranges : {&parked.batch->ranges, &parked.batch->zero})
      dropped.insert(dropped.end(), ranges->begin(), ranges->end());
    return true;
  });
  if (!dropped.empty()) scheduler_.dropped(state->id(), dropped, now);
}

}  // namespace weft::fetcher
