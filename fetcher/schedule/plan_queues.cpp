// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/plan_queues.h"

#include "indexer/core/assert.h"

#include <utility>

namespace weft::fetcher {

void PlanQueues::add(BlockRange range) {
  WEFT_ASSERT(!unplanned_.overlaps(range) && planned_within(range).empty(), "wanted twice");
  unplanned_.add(range);
}

void PlanQueues::remove(BlockRange range) {
  unplanned_.remove(range);
  std::vector<std::pair<BlockRange, Place>> gone;
  places_.for_each(range, [&](BlockRange part, const Place& at) { gone.emplace_back(part, at); });
  if (gone.empty()) return;
  places_.erase(range);
  for (const auto& [part, at] : gone) {
    const auto queue = queues_.find(at.peer);
    queue->second.left -= part.count.value();
    if (queue->second.left == 0) {
      queues_.erase(queue);
    } else {
      trim(at.peer, queue->second);
    }
    if ((left_[at.tier] -= part.count.value()) == 0) left_.erase(at.tier);
  }
}

void PlanQueues::install(const Queues& queues) {
  RangeSet free = std::move(unplanned_);
  for (const BlockRange& part : planned_within(all_blocks))
    free.add(part);
  clear();
  for (const auto& [peer, entries] : queues) {
    Queue queue;
    for (const Entry& entry : entries) {
      for (const BlockRange& part : free.within(entry.blocks)) {
        queue.entries.push_back({part, entry.tier});
        queue.left += part.count.value();
        left_[entry.tier] += part.count.value();
        places_.assign(part, {peer, entry.tier});
        free.remove(part);
      }
    }
    queue.back = queue.entries.size();
    if (queue.left > 0) queues_.emplace(peer, std::move(queue));
  }
  unplanned_ = std::move(free);
}

void PlanQueues::drop(PeerId peer) {
  std::vector<BlockRange> all;
  from_front(peer, [&](BlockRange part) {
    all.push_back(part);
    return true;
  });
  for (const BlockRange& part : all) {
    remove(part);
    unplanned_.add(part);
  }
}

std::vector<BlockRange> PlanQueues::planned_within(BlockRange range) const {
  std::vector<BlockRange> parts;
  places_.for_each(range, [&](BlockRange part, const Place&) { parts.push_back(part); });
  return parts;
}

void PlanQueues::trim(PeerId peer, Queue& queue) const {
  while (queue.front < queue.back && live(peer, queue.entries[queue.front]).empty())
    ++queue.front;
  while (queue.front < queue.back && live(peer, queue.entries[queue.back - 1]).empty())
    --queue.back;
}

/// A queue has a block once, so what of an entry still belongs to its source is left of it.
std::vector<BlockRange> PlanQueues::live(PeerId peer, const Entry& entry) const {
  std::vector<BlockRange> parts;
  places_.for_each(entry.blocks, [&](BlockRange part, const Place& at) {
    if (at.peer == peer) append_run(parts, part);
  });
  return parts;
}

BlockCount PlanQueues::left(PeerId peer) const {
  const auto it = queues_.find(peer);
  return BlockCount(it == queues_.end() ? 0 : it->second.left);
}

BlockCount PlanQueues::left(std::uint8_t tier) const {
  const auto it = left_.find(tier);
  return BlockCount(it == left_.end() ? 0 : it->second);
}

std::uint8_t PlanQueues::tier() const {
  return left_.empty() ? std::uint8_t{0} : left_.begin()->first;
}

std::optional<PeerId> PlanQueues::owner(BlockIndex block) const {
  const Place* at = places_.at(block);
  return at == nullptr ? std::nullopt : std::optional(at->peer);
}

std::vector<PeerId> PlanQueues::sources() const {
  std::vector<PeerId> peers;
  for (const auto& [peer, queue] : queues_)
    peers.push_back(peer);
  return peers;
}

void PlanQueues::check_invariants(const RangeSet& wanted) const {
  RangeSet all = unplanned_;
  std::map<PeerId, std::uint64_t> by_peer;
  std::map<std::uint8_t, std::uint64_t> by_tier;
  places_.for_each(all_blocks, [&](BlockRange part, const Place& at) {
    WEFT_ASSERT(!all.overlaps(part), "planned and unplanned");
    all.add(part);
    by_peer[at.peer] += part.count.value();
    by_tier[at.tier] += part.count.value();
  });
  WEFT_ASSERT(all == wanted, "queues and unplanned blocks are not what is wanted");
  WEFT_ASSERT(by_tier == left_, "the books of a tier are off");
  WEFT_ASSERT(by_peer.size() == queues_.size(), "a queue has nothing left");
  for (const auto& [peer, queue] : queues_) {
    std::uint64_t reached = 0;
    from_front(peer, [&](BlockRange part) {
      reached += part.count.value();
      return true;
    });
    WEFT_ASSERT(queue.left == by_peer[peer], "the books of a queue are off");
    WEFT_ASSERT(queue.left == reached, "a planned block cannot be reached");
  }
}

}  // namespace weft::fetcher
