// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_map.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// What is to be fetched of one image and nobody waits for, by the source that a plan wants it
/// from: each source has a queue. Pure, a value type.
///
/// A block is in one queue or *unplanned*: it came after the plan was made, or came back from a
/// fetch that failed. It leaves with `remove`, when it is asked for, demanded, or here.
/// Memory: about 100 B for each run of a queue.
class PlanQueues {
 public:
  struct Entry {
    BlockRange blocks;
    std::uint8_t tier = 1;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Queues = std::map<PeerId, std::vector<Entry>>;

  /// Wanted from now on. None of them may be here already.
  void add(BlockRange range);
  /// Not wanted any more, or asked for.
  void remove(BlockRange range);
  void clear() { *this = {}; }
  /// In place of all queues so far; what they do not name is unplanned. Of `queues` only what is
  /// wanted is taken, and of blocks that are in several queues or twice in one, the first.
  void install(const Queues& queues);
  /// What is in its queue is unplanned.
  void drop(PeerId peer);

  [[nodiscard]] const RangeSet& unplanned() const { return unplanned_; }
  /// Blocks in all queues.
  [[nodiscard]] BlockCount planned() const { return places_.count(); }
  [[nodiscard]] BlockCount left(PeerId peer) const;
  /// What is left of it in this tier, all sources together.
  [[nodiscard]] BlockCount left(std::uint8_t tier) const;
  /// The first tier of which something is left; 0: the queues are empty.
  [[nodiscard]] std::uint8_t tier() const;
  /// Whose queue it is in, if any.
  [[nodiscard]] std::optional<PeerId> owner(BlockIndex block) const;
  /// Sources that have something left, ascending.
  [[nodiscard]] std::vector<PeerId> sources() const;

  /// Calls `visit(BlockRange) -> bool` for what is left of the queue, in its order, until it
  /// returns false. `visit` must not change the queues.
  template <class Visit>
  void from_front(PeerId peer, Visit&& visit) const {
    const auto it = queues_.find(peer);
    if (it == queues_.end()) return;
    const Queue& queue = it->second;
    for (std::size_t i = queue.front; i < queue.back; ++i) {
      for (const BlockRange& part : live(peer, queue.entries[i])) {
        if (!visit(part)) return;
      }
    }
  }
  /// The same from the end: the last blocks of a run last.
  template <class Visit>
  void from_back(PeerId peer, Visit&& visit) const {
    const auto it = queues_.find(peer);
    if (it == queues_.end()) return;
    const Queue& queue = it->second;
    for (std::size_t i = queue.back; i > queue.front; --i) {
      const std::vector<BlockRange> parts = live(peer, queue.entries[i - 1]);
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!visit(*part)) return;
      }
    }
  }
  /// Queues and unplanned blocks make up `wanted`, and the counts are right.
  void check_invariants(const RangeSet& wanted) const;

 private:
  struct Queue {
    std::vector<Entry> entries;
    std::size_t front = 0;  // entries before it have nothing left
    std::size_t back = 0;   // nor from here on
    std::uint64_t left = 0;
  };
  [[nodiscard]] std::vector<BlockRange> live(PeerId peer, const Entry& entry) const;
  /// Moves the ends of a queue inwards, past what has nothing left.
  void trim(PeerId peer, Queue& queue) const;

  struct Place {
    PeerId peer{};
    std::uint8_t tier = 1;
  };
  [[nodiscard]] std::vector<BlockRange> planned_within(BlockRange range) const;

  RangeSet unplanned_;
  std::map<PeerId, Queue> queues_;
  RangeMap<Place> places_;
  std::map<std::uint8_t, std::uint64_t> left_;  // by tier, none of 0
};

}  // namespace weft::fetcher
