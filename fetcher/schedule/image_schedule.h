// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/schedule/fetch_reason.h"
#include "fetcher/schedule/holders.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/plan_queues.h"
#include "fetcher/schedule/range_map.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/schedule/tree_wants.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Which blocks of one image are on their way here, for whom, and from where. Pure: a set of
/// states with rules, no policy. `Scheduler` decides who is asked.
///
/// A block is in exactly one state:
///
///     (none) ──want──► WANTED(priority) ──sent──► IN FLIGHT(fetch) ──arrived──► LANDING
///     ──landed──► (none)
///                           ▲                          │ absent, failed              │ rejected
///                           └──────────────────────────┴─────────────────────────────┘
///
/// - *none*: readable in the store, or nobody asked for it.
/// - *wanted*: nobody has been asked. Priority = the highest of all who want it.
/// - *in flight*: asked for at one peer; who wants it now joins, and the fetch is raised.
/// - *landing*: bytes are here, being verified and committed, or waiting for their leaf.
///
/// A block in flight may have one *second flight*, at another peer: a fetch that repeats it because
/// the first is late. Whichever arrives first lands; for the other fetch the block is *superseded*:
/// nobody waits for it there, but it may still come. A second flight that is left when the first
/// fails takes its place. Apart from that a block is never in flight twice, nor in flight and
/// wanted. Every block a read still waits for is in one of the three states; a block that comes
/// back from a failure is wanted as a demand if a read waits for it, else as what it was.
///
/// *Rationale:* "nothing known" is the state of nearly all blocks of nearly all images; memory is
/// proportional to what is on its way, not to the image.
class ImageSchedule {
 public:
  struct Read {
    BlockRange range;
    RangeSet outstanding;  ///< not readable yet
    TimePoint deadline;
    bool hold = true;
    std::set<PeerId> tried;
    bool too_dear = false;  ///< a holder was not asked, for its price
  };
  struct Fetch {
    PeerId peer{};
    wire::Priority priority = wire::Priority::prefetch;
    RangeSet remaining;  ///< asked for and not answered
    TimePoint since;
    bool by_digest = false;
    FetchReason reason = FetchReason::unplanned;
    RangeSet superseded = {};  ///< asked for and not answered, and here from elsewhere
    bool hedged = false;       ///< some of it was asked for again
    TimePoint demanded_at{};   ///< sent, or raised, for a reader
    Duration expected{0};      ///< to take from then on; 0: nobody waits for it
    Duration alone{0};         ///< the same if nothing were prefetched

    /// What may still come.
    [[nodiscard]] BlockCount due() const { return remaining.count() + superseded.count(); }
  };

  // --- Wanting.
  /// Fetches to raise to demand priority, because the read joins them; empty when it joined none.
  struct Joined {
    std::vector<FetchId> raise;
    bool any = false;  ///< a block was on its way already
  };
  Joined add_read(FetchTicket ticket, Read read);
  /// Blocks only this read waited for are no longer wanted; those in flight arrive anyway.
  void remove_read(FetchTicket ticket);
  /// Readahead or prefetch. Blocks that are on their way are left alone.
  void want(BlockRange range, wire::Priority priority);
  /// Forgets what is wanted at this priority.
  void drop(wire::Priority priority);

  // --- Fetching. All blocks of `ranges` must be wanted.
  void sent(FetchId id, PeerId peer, std::span<const BlockRange> ranges, wire::Priority priority,
            TimePoint now, bool by_digest = false, FetchReason reason = FetchReason::unplanned);
  /// A second flight. All blocks of `ranges` must be in flight once, and not at `peer`.
  void sent_again(FetchId id, PeerId peer, std::span<const BlockRange> ranges,
                  wire::Priority priority, TimePoint now, bool by_digest);
  void raise(FetchId id, wire::Priority priority);
  /// Somebody waits for it from now on, and should not have to wait longer than `expected`, or
  /// than `alone` but for what is prefetched.
  void expect(FetchId id, TimePoint now, Duration expected, Duration alone);
  void mark_hedged(FetchId id) { fetches_.at(id).hedged = true; }
  /// False, and nothing changes: a block of `ranges` was not asked for with this fetch.
  [[nodiscard]] bool arrived(FetchId id, std::span<const BlockRange> ranges);
  /// Fetches for which nobody waits any more, since all they have still to bring is superseded.
  [[nodiscard]] std::vector<FetchId> take_overtaken();
  [[nodiscard]] bool absent(FetchId id, std::span<const BlockRange> ranges, TimePoint until);
  /// Ends a fetch; blocks not answered are wanted again, and returned.
  std::vector<BlockRange> finish(FetchId id);

  // --- Landing.
  /// Blocks are readable, however they became so; where they are in flight they are superseded.
  /// Reads that are complete now are removed.
  struct Landed {
    std::vector<FetchTicket> complete;
    BlockCount arrived;  ///< those that had been landing
  };
  Landed landed(std::span<const BlockRange> ranges);
  /// Blocks that were landing failed: wanted again.
  void rejected(std::span<const BlockRange> ranges);
  /// Blocks that were landing are given up: wanted again if a read waits for them, else forgotten.
  void dropped(std::span<const BlockRange> ranges);

  // --- Planning what is wanted as prefetch.
  void install(const PlanQueues::Queues& queues) { queues_.install(queues); }
  /// The source is gone: what is in its queue is unplanned.
  void drop_queue(PeerId peer) { queues_.drop(peer); }
  [[nodiscard]] const PlanQueues& queues() const { return queues_; }

  // --- Looking.
  [[nodiscard]] const RangeSet& wanted(wire::Priority priority) const;
  [[nodiscard]] const std::map<FetchTicket, Read>& reads() const { return reads_; }
  [[nodiscard]] Read* find_read(FetchTicket ticket);
  [[nodiscard]] const std::map<FetchId, Fetch>& fetches() const { return fetches_; }
  /// Parts of `range` that are neither wanted nor in flight nor landing.
  [[nodiscard]] std::vector<BlockRange> in_no_state(BlockRange range) const;
  [[nodiscard]] bool is_wanted(BlockIndex block) const;
  /// Whom the block is being asked of.
  [[nodiscard]] std::optional<PeerId> sender_of(BlockIndex block) const;
  [[nodiscard]] bool is_landing(BlockIndex block) const { return landing_.at(block) != nullptr; }
  /// Parts of `range` that are in flight, once and not at `peer`.
  [[nodiscard]] std::vector<BlockRange> repeatable(BlockRange range, PeerId peer) const;
  /// In flight or landing.
  [[nodiscard]] BlockCount busy() const { return in_flight_.count() + landing_.count(); }
  [[nodiscard]] bool idle() const;
  /// Peers that have been asked for, or are sending, what the read waits for.
  [[nodiscard]] std::vector<PeerId> tried(const Read& read) const;

  void check_invariants() const;

  Holders holders;
  TreeWants nodes;

 private:
  void add_wanted(BlockRange range, wire::Priority priority);
  void remove_wanted(BlockRange range, wire::Priority priority);
  void unwant(BlockRange range);
  void supersede(FetchId id, BlockRange range);
  /// The second flight of what was in flight with a fetch takes its place. Returns the parts that
  /// had none; they are in no state now.
  [[nodiscard]] std::vector<BlockRange> lose(FetchId id, BlockRange range);
  /// Puts blocks that are in no state back to wanted.
  void put_back(BlockRange range, wire::Priority priority);

  std::array<RangeSet, 4> wanted_;  // by wire::Priority
  PlanQueues queues_;               // of what is wanted as prefetch
  RangeMap<FetchId> in_flight_;
  RangeMap<FetchId> second_;  // flights; each also in `in_flight_`
  RangeMap<wire::Priority> landing_;
  std::map<FetchId, Fetch> fetches_;
  std::vector<FetchId> overtaken_;
  std::map<FetchTicket, Read> reads_;
};

}  // namespace weft::fetcher
