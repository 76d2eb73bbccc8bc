// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/image_schedule.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

using wire::Priority;
constexpr std::array<Priority, 3> priorities{Priority::demand, Priority::readahead,
                                             Priority::prefetch};

std::size_t slot(Priority priority) {
  return static_cast<std::size_t>(priority);
}

}  // namespace

const RangeSet& ImageSchedule::wanted(Priority priority) const {
  return wanted_[slot(priority)];
}

ImageSchedule::Read* ImageSchedule::find_read(FetchTicket ticket) {
  const auto it = reads_.find(ticket);
  return it == reads_.end() ? nullptr : &it->second;
}

std::vector<BlockRange> ImageSchedule::in_no_state(BlockRange range) const {
  RangeSet free({range});
  for (const Priority priority : priorities) {
    for (const BlockRange& part : wanted(priority).within(range))
      free.remove(part);
  }
  in_flight_.for_each(range, [&](BlockRange part, FetchId) { free.remove(part); });
  landing_.for_each(range, [&](BlockRange part, Priority) { free.remove(part); });
  return free.ranges();
}

/// None of them may be wanted.
void ImageSchedule::add_wanted(BlockRange range, Priority priority) {
  wanted_[slot(priority)].add(range);
  if (priority == Priority::prefetch) queues_.add(range);
}

void ImageSchedule::remove_wanted(BlockRange range, Priority priority) {
  wanted_[slot(priority)].remove(range);
  if (priority == Priority::prefetch) queues_.remove(range);
}

void ImageSchedule::unwant(BlockRange range) {
  for (const Priority priority : priorities)
    remove_wanted(range, priority);
}

ImageSchedule::Joined ImageSchedule::add_read(FetchTicket ticket, Read read) {
  Joined joined;
  std::set<FetchId> raise;
  for (const BlockRange& range : read.outstanding.ranges()) {
    in_flight_.for_each(range, [&](BlockRange, FetchId id) {
      joined.any = true;
      if (fetches_.at(id).priority > Priority::demand) raise.insert(id);
    });
    second_.for_each(range, [&](BlockRange, FetchId id) {
      if (fetches_.at(id).priority > Priority::demand) raise.insert(id);
    });
    landing_.for_each(range, [&](BlockRange, Priority) { joined.any = true; });
    for (const Priority lower : {Priority::readahead, Priority::prefetch}) {
      for (const BlockRange& part : wanted(lower).within(range)) {
        remove_wanted(part, lower);
        add_wanted(part, Priority::demand);
      }
    }
    for (const BlockRange& part : in_no_state(range))
      wanted_[slot(Priority::demand)].add(part);
  }
  joined.raise.assign(raise.begin(), raise.end());
  const bool added = reads_.emplace(ticket, std::move(read)).second;
  WEFT_ASSERT(added, "ticket used twice");
  return joined;
}

void ImageSchedule::remove_read(FetchTicket ticket) {
  const auto it = reads_.find(ticket);
  if (it == reads_.end()) return;
  const RangeSet outstanding = std::move(it->second.outstanding);
  reads_.erase(it);
  const RangeSet orphans = intersect(outstanding, wanted(Priority::demand));
  if (orphans.empty()) return;
  wanted_[slot(Priority::demand)].remove(orphans);
  for (const auto& [other, read] : reads_) {
    wanted_[slot(Priority::demand)].add(intersect(orphans, read.outstanding));
  }
}

void ImageSchedule::want(BlockRange range, Priority priority) {
  WEFT_ASSERT(priority > Priority::demand, "demand comes with a read");
  if (priority == Priority::readahead) {
    for (const BlockRange& part : wanted(Priority::prefetch).within(range)) {
      remove_wanted(part, Priority::prefetch);
      add_wanted(part, Priority::readahead);
    }
  }
  for (const BlockRange& part : in_no_state(range))
    add_wanted(part, priority);
}

void ImageSchedule::drop(Priority priority) {
  wanted_[slot(priority)].clear();
  if (priority == Priority::prefetch) queues_.clear();
}

void ImageSchedule::sent(FetchId id, PeerId peer, std::span<const BlockRange> ranges,
                         Priority priority, TimePoint now, bool by_digest, FetchReason reason) {
  Fetch fetch{peer, priority, {}, now, by_digest, reason};
  for (const BlockRange& range : ranges) {
    unwant(range);
    in_flight_.assign(range, id);
    fetch.remaining.add(range);
  }
  const bool added = fetches_.emplace(id, std::move(fetch)).second;
  WEFT_ASSERT(added, "fetch id used twice");
}

void ImageSchedule::raise(FetchId id, Priority priority) {
  Fetch& fetch = fetches_.at(id);
  fetch.priority = std::min(fetch.priority, priority);
}

void ImageSchedule::sent_again(FetchId id, PeerId peer, std::span<const BlockRange> ranges,
                               Priority priority, TimePoint now, bool by_digest) {
  Fetch fetch{peer, priority, {}, now, by_digest, FetchReason::duplicate};
  for (const BlockRange& range : ranges) {
    WEFT_ASSERT(repeatable(range, peer) == std::vector{range}, "not in flight once, elsewhere");
    second_.assign(range, id);
    fetch.remaining.add(range);
  }
  const bool added = fetches_.emplace(id, std::move(fetch)).second;
  WEFT_ASSERT(added, "fetch id used twice");
}

std::vector<BlockRange> ImageSchedule::repeatable(BlockRange range, PeerId peer) const {
  RangeSet parts;
  in_flight_.for_each(range, [&](BlockRange part, FetchId id) {
    if (fetches_.at(id).peer != peer) parts.add(part);
  });
  second_.for_each(range, [&](BlockRange part, FetchId) { parts.remove(part); });
  return parts.ranges();
}

void ImageSchedule::expect(FetchId id, TimePoint now, Duration expected, Duration alone) {
  Fetch& fetch = fetches_.at(id);
  fetch.demanded_at = now;
  fetch.expected = std::max(expected, Duration(1));
  fetch.alone = std::min(alone, fetch.expected);
}

bool ImageSchedule::arrived(FetchId id, std::span<const BlockRange> ranges) {
  Fetch& fetch = fetches_.at(id);
  RangeSet all;
  for (const BlockRange& range : ranges) {
    if (all.overlaps(range)) return false;
    all.add(range);
  }
  RangeSet unasked = all;
  unasked.remove(fetch.remaining);
  unasked.remove(fetch.superseded);
  if (!unasked.empty()) return false;
  fetch.superseded.remove(all);
  for (const BlockRange& range : intersect(all, fetch.remaining).ranges()) {
    fetch.remaining.remove(range);
    for (RangeMap<FetchId>* flights : {&in_flight_, &second_}) {
      std::vector<std::pair<BlockRange, FetchId>> others;
      flights->for_each(range, [&](BlockRange part, FetchId other) {
        if (other != id) others.emplace_back(part, other);
      });
      for (const auto& [part, other] : others)
        supersede(other, part);
      flights->erase(range);
    }
    landing_.assign(range, fetch.priority);
  }
  return true;
}

void ImageSchedule::supersede(FetchId id, BlockRange range) {
  Fetch& fetch = fetches_.at(id);
  fetch.remaining.remove(range);
  fetch.superseded.add(range);
  if (fetch.remaining.empty()) overtaken_.push_back(id);
}

std::vector<FetchId> ImageSchedule::take_overtaken() {
  std::vector<FetchId> overtaken = std::exchange(overtaken_, {});
  std::erase_if(overtaken, [&](FetchId id) { return !fetches_.contains(id); });
  return overtaken;
}

bool ImageSchedule::absent(FetchId id, std::span<const BlockRange> ranges, TimePoint until) {
  Fetch& fetch = fetches_.at(id);
  RangeSet unasked(std::vector<BlockRange>(ranges.begin(), ranges.end()));
  unasked.remove(fetch.remaining);
  unasked.remove(fetch.superseded);
  if (!unasked.empty()) return false;
  for (const BlockRange& range : ranges) {
    if (fetch.by_digest) {
      holders.lacks_by_digest(fetch.peer, range);
    } else {
      holders.absent(fetch.peer, range, until);
    }
    fetch.superseded.remove(range);
    for (const BlockRange& part : fetch.remaining.within(range)) {
      fetch.remaining.remove(part);
      for (const BlockRange& lost : lose(id, part))
        put_back(lost, fetch.priority);
    }
  }
  return true;
}

std::vector<BlockRange> ImageSchedule::finish(FetchId id) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return {};
  const Fetch fetch = std::move(it->second);
  fetches_.erase(it);
  std::vector<BlockRange> left;
  for (const BlockRange& range : fetch.remaining.ranges()) {
    for (const BlockRange& part : lose(id, range)) {
      put_back(part, fetch.priority);
      left.push_back(part);
    }
  }
  return left;
}

std::vector<BlockRange> ImageSchedule::lose(FetchId id, BlockRange range) {
  RangeSet lost;
  in_flight_.for_each(range, [&](BlockRange part, FetchId first) {
    if (first == id) lost.add(part);
  });
  std::vector<std::pair<BlockRange, FetchId>> seconds;
  second_.for_each(range,
                   [&](BlockRange part, FetchId second) { seconds.emplace_back(part, second); });
  for (const auto& [part, second] : seconds) {
    second_.erase(part);
    if (second == id) continue;
    in_flight_.erase(part);
    in_flight_.assign(part, second);
    lost.remove(part);
  }
  for (const BlockRange& part : lost.ranges())
    in_flight_.erase(part);
  return lost.ranges();
}

void ImageSchedule::put_back(BlockRange range, Priority priority) {
  RangeSet demanded;
  for (const auto& [ticket, read] : reads_) {
    for (const BlockRange& part : read.outstanding.within(range))
      demanded.add(part);
  }
  wanted_[slot(Priority::demand)].add(demanded);
  // Of a fetch that was raised for a reader who has gone, the rest is plain prefetch.
  const Priority rest = std::max(priority, Priority::readahead);
  for (const BlockRange& part : demanded.gaps(range))
    add_wanted(part, rest);
}

ImageSchedule::Landed ImageSchedule::landed(std::span<const BlockRange> ranges) {
  Landed result;
  const BlockCount before = landing_.count();
  for (const BlockRange& range : ranges) {
    unwant(range);
    landing_.erase(range);
    holders.landed(range);
    for (RangeMap<FetchId>* flights : {&in_flight_, &second_}) {
      std::vector<std::pair<BlockRange, FetchId>> useless;
      flights->for_each(range,
                        [&](BlockRange part, FetchId id) { useless.emplace_back(part, id); });
      for (const auto& [part, id] : useless)
        supersede(id, part);
      flights->erase(range);
    }
  }
  result.arrived = before - landing_.count();
  for (auto& [ticket, read] : reads_) {
    for (const BlockRange& range : ranges) {
      read.outstanding.remove(range);
    }
    if (read.outstanding.empty()) result.complete.push_back(ticket);
  }
  for (const FetchTicket ticket : result.complete)
    reads_.erase(ticket);
  return result;
}

void ImageSchedule::rejected(std::span<const BlockRange> ranges) {
  std::vector<std::pair<BlockRange, Priority>> parts;
  for (const BlockRange& range : ranges) {
    landing_.for_each(range, [&](BlockRange part, Priority p) { parts.emplace_back(part, p); });
  }
  for (const auto& [part, priority] : parts) {
    landing_.erase(part);
    put_back(part, priority);
  }
}

void ImageSchedule::dropped(std::span<const BlockRange> ranges) {
  for (const BlockRange& range : ranges) {
    std::vector<BlockRange> parts;
    landing_.for_each(range, [&](BlockRange part, Priority) { parts.push_back(part); });
    for (const BlockRange& part : parts) {
      landing_.erase(part);
      for (const auto& [ticket, read] : reads_) {
        for (const BlockRange& wanted : read.outstanding.within(part)) {
          wanted_[slot(Priority::demand)].add(wanted);
        }
      }
    }
  }
}

bool ImageSchedule::is_wanted(BlockIndex block) const {
  return std::ranges::any_of(wanted_, [&](const RangeSet& set) { return set.contains(block); });
}

std::optional<PeerId> ImageSchedule::sender_of(BlockIndex block) const {
  const FetchId* fetch = in_flight_.at(block);
  return fetch == nullptr ? std::nullopt : std::optional(fetches_.at(*fetch).peer);
}

bool ImageSchedule::idle() const {
  return reads_.empty() && fetches_.empty() && landing_.empty() && nodes.empty();
}

std::vector<PeerId> ImageSchedule::tried(const Read& read) const {
  std::set<PeerId> peers = read.tried;
  for (const BlockRange& range : read.outstanding.ranges()) {
    for (const RangeMap<FetchId>* flights : {&in_flight_, &second_}) {
      flights->for_each(range, [&](BlockRange, FetchId id) { peers.insert(fetches_.at(id).peer); });
    }
  }
  return {peers.begin(), peers.end()};
}

void ImageSchedule::check_invariants() const {
  RangeSet known;
  const auto add_once = [&](BlockRange range) {
    WEFT_ASSERT(!known.overlaps(range), "block in two states");
    known.add(range);
  };
  for (const Priority priority : priorities) {
    wanted(priority).check_invariants();
    for (const BlockRange& range : wanted(priority).ranges())
      add_once(range);
  }
  RangeSet demanded = wanted(Priority::demand);
  in_flight_.for_each(all_blocks, [&](BlockRange part, FetchId id) {
    add_once(part);
    const auto fetch = fetches_.find(id);
    WEFT_ASSERT(fetch != fetches_.end(), "in flight with a fetch that is over");
    WEFT_ASSERT(fetch->second.remaining.covers(part), "in flight, but its fetch was answered");
  });
  second_.for_each(all_blocks, [&](BlockRange part, FetchId id) {
    const auto fetch = fetches_.find(id);
    WEFT_ASSERT(fetch != fetches_.end(), "a second flight with a fetch that is over");
    WEFT_ASSERT(fetch->second.remaining.covers(part), "a second flight that was answered");
    BlockCount flights;
    in_flight_.for_each(part, [&](BlockRange first, FetchId other) {
      WEFT_ASSERT(fetches_.at(other).peer != fetch->second.peer, "in flight twice at one peer");
      flights += first.count;
    });
    WEFT_ASSERT(flights == part.count, "a second flight without a first");
  });
  landing_.for_each(all_blocks, [&](BlockRange part, Priority) { add_once(part); });
  BlockCount remaining;
  for (const auto& [id, fetch] : fetches_) {
    remaining += fetch.remaining.count();
    WEFT_ASSERT(intersect(fetch.remaining, fetch.superseded).empty(), "superseded and awaited");
  }
  WEFT_ASSERT(remaining == in_flight_.count() + second_.count(),
              "a fetch waits for a block that is not in flight");
  for (const auto& [ticket, read] : reads_) {
    WEFT_ASSERT(!read.outstanding.empty(), "a complete read is still here");
    for (const BlockRange& range : read.outstanding.ranges()) {
      WEFT_ASSERT(known.covers(range), "a read waits for a block nobody fetches");
      demanded.remove(range);
      for (const Priority lower : {Priority::readahead, Priority::prefetch}) {
        WEFT_ASSERT(!wanted(lower).overlaps(range), "a read waits for a block of low priority");
      }
    }
  }
  WEFT_ASSERT(demanded.empty(), "demanded without a reader");
  queues_.check_invariants(wanted(Priority::prefetch));
  nodes.check_invariants();
}

}  // namespace weft::fetcher
