// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/prefetch_order.h"

namespace weft::fetcher {

/// The order that a plan's queues give. A source brings
///
/// 1. its own queue, in the plan's order;
/// 2. what is unplanned, in image order;
/// 3. when it has neither, what it *steals*: from the source whose queue would end last, from the
///    end of that queue, as much as it brings earlier than the owner would.
///
/// Without a plan all is unplanned: image order. A thrifty offer leaves unplanned blocks to their
/// cheapest lively holder, and nobody steals from a cheaper source. Sources behind one capped
/// uplink do not steal from each other: that brings nothing forward.
///
/// *Rationale:* the end of a queue is what its owner needs longest for, so thief and owner meet in
/// the middle, and a rate that was wrongly assumed costs one request, not the rest of the queue.
class PlannedOrder final : public PrefetchOrder {
 public:
  [[nodiscard]] Picked pick(const Offer& offer) const override;
};

}  // namespace weft::fetcher
