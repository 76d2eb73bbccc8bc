// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/fetch_reason.h"
#include "fetcher/schedule/holders.h"
#include "fetcher/schedule/link_pace.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/plan_queues.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/schedule/urgency.h"
#include "indexer/core/range.h"

#include <span>
#include <vector>

namespace weft::fetcher {

/// A link with room, and what there is to bring of one image. References: for one call.
struct Offer {
  PeerId peer{};
  BlockCount limit;  ///< bring at most so many
  const RangeSet& wanted;
  const Holders& holders;
  const PlanQueues& queues;
  std::span<const LinkPace> links;   ///< all connected peers, ascending; `peer` is one of them
  bool thrifty = false;              ///< money before time: a dearer source does not help a cheaper
  const Urgency* urgency = nullptr;  ///< null: nothing is needed before the rest
};

/// Blocks out of `wanted` that `peer` holds, in the order they shall be sent; at most
/// wire::max_ranges runs, none empty, none twice.
struct Picked {
  std::vector<BlockRange> ranges;
  FetchReason reason = FetchReason::unplanned;
};

/// Which of the blocks nobody waits for yet a source brings next. Pure: the same offer gives the
/// same answer. `PlannedOrder` is what runs; the others are for comparison, and rarest-first for
/// images that many nodes fetch from each other.
class PrefetchOrder {
 public:
  virtual ~PrefetchOrder() = default;
  [[nodiscard]] virtual Picked pick(const Offer& offer) const = 0;
  /// The peer may be asked for what others have in flight, when it has nothing else to do.
  [[nodiscard]] virtual bool may_repeat(PeerId) const { return true; }
};

/// Collects what `peer` holds of runs, up to the limits of one request.
class Picker {
 public:
  explicit Picker(const Offer& offer) : offer_(offer), left_(offer.limit) {}
  /// What the peer holds of `range`. False: the request is full.
  bool take(BlockRange range);
  /// The same with at most `most` blocks.
  bool take(BlockRange range, BlockCount most);
  [[nodiscard]] bool full() const;
  [[nodiscard]] bool empty() const { return picked_.empty(); }
  [[nodiscard]] std::vector<BlockRange> ranges() && { return std::move(picked_); }

 private:
  const Offer& offer_;
  BlockCount left_;
  std::vector<BlockRange> picked_;
};

}  // namespace weft::fetcher
