// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/planned_order.h"

#include "fetcher/wire/messages.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t batch = wire::blocks_per_batch;
/// Runs looked at beside a plan. What a source cannot find among them, the next plan gives it.
constexpr std::size_t most_unplanned_runs = 4096;
/// Of a queue, from its end.
constexpr std::size_t most_entries_searched = 256;
constexpr double clearly_earlier = 0.95;

std::vector<BlockRange> own_queue(const Offer& offer) {
  Picker picker(offer);
  offer.queues.from_front(offer.peer, [&](BlockRange part) { return picker.take(part); });
  return std::move(picker).ranges();
}

bool has_cheaper_holder(const Offer& offer, const LinkPace& self, std::span<const PeerId> holders) {
  return std::ranges::any_of(holders, [&](PeerId peer) {
    const LinkPace* other = find_pace(offer.links, peer);
    return other != nullptr && other->lively && other->price_per_gib < self.price_per_gib;
  });
}

std::vector<BlockRange> unplanned(const Offer& offer, const LinkPace& self) {
  Picker picker(offer);
  const bool complete = offer.queues.planned() == BlockCount(0);
  std::size_t looked = 0;
  const auto take = [&](BlockRange run) {
    if (!complete && ++looked > most_unplanned_runs) return false;
    if (!offer.thrifty || self.price_per_gib == 0) return picker.take(run);
    for (const Holders::Run& part : offer.holders.runs(run)) {
      if (has_cheaper_holder(offer, self, part.peers)) continue;
      if (!picker.take(part.range)) return false;
    }
    return true;
  };
  if (offer.urgency != nullptr) {
    // A request of urgent blocks does not wait for others to fill it.
    offer.urgency->visit(offer.queues.unplanned(), [&](plan::Tier, const RangeSet& blocks) {
      blocks.visit(take);
      return picker.empty();
    });
    if (!picker.empty()) return std::move(picker).ranges();
  }
  offer.queues.unplanned().visit(take);
  return std::move(picker).ranges();
}

/// Blocks that `thief` brings clearly before `seconds`; in whole batches, or all that is `left`.
std::uint64_t earlier_than(const LinkPace& thief, double seconds, std::uint64_t left) {
  const double time = std::min(seconds * clearly_earlier, 1e6) - thief.seconds_for(0);
  const double blocks = time * thief.bytes_per_second / thief.wire_bytes_per_block;
  if (blocks >= static_cast<double>(left)) return left;
  return blocks <= 0 ? 0 : static_cast<std::uint64_t>(blocks) / batch * batch;
}

struct Owner {
  PeerId peer{};
  double finish = 0;
};

/// Whose queues `thief` may take from, the one that ends last first.
std::vector<Owner> owners(const Offer& offer, const LinkPace& thief) {
  std::vector<Owner> found;
  for (const PeerId peer : offer.queues.sources()) {
    if (peer == offer.peer) continue;
    double finish = std::numeric_limits<double>::infinity();
    const LinkPace* owner = find_pace(offer.links, peer);
    if (owner != nullptr && owner->lively) {
      if (offer.thrifty && thief.price_per_gib > owner->price_per_gib) continue;
      if (thief.capped_site && thief.capped_site == owner->capped_site) continue;
      finish = owner->seconds_for(static_cast<double>(offer.queues.left(peer).value()));
    }
    found.push_back({peer, finish});
  }
  std::ranges::sort(found, std::ranges::greater{}, &Owner::finish);
  return found;
}

std::vector<BlockRange> stolen(const Offer& offer, const LinkPace& thief) {
  if (!thief.lively) return {};
  for (const Owner& owner : owners(offer, thief)) {
    BlockCount most(earlier_than(thief, owner.finish, offer.queues.left(owner.peer).value()));
    most = std::min(most, offer.limit);
    if (most == BlockCount(0)) return {};  // the others end even earlier
    RangeSet taken;
    std::size_t looked = 0;
    offer.queues.from_back(owner.peer, [&](BlockRange part) {
      std::vector<BlockRange> held = offer.holders.held(thief.peer, part);
      for (auto range = held.rbegin(); range != held.rend(); ++range) {
        const BlockCount count = std::min(range->count, most - taken.count());
        taken.add(BlockRange::between(range->end() - count, range->end()));
      }
      return taken.count() < most && taken.runs() < wire::max_ranges / 2 &&
             ++looked < most_entries_searched;
    });
    if (!taken.empty()) {
      std::vector<BlockRange> ranges = taken.ranges();
      if (ranges.size() > wire::max_ranges) ranges.resize(wire::max_ranges);
      return ranges;
    }
  }
  return {};
}

}  // namespace

Picked PlannedOrder::pick(const Offer& offer) const {
  if (std::vector<BlockRange> own = own_queue(offer); !own.empty())
    return {std::move(own), FetchReason::planned};
  const LinkPace* self = find_pace(offer.links, offer.peer);
  if (self == nullptr) return {};
  if (std::vector<BlockRange> free = unplanned(offer, *self); !free.empty())
    return {std::move(free), FetchReason::unplanned};
  return {stolen(offer, *self), FetchReason::stolen};
}

}  // namespace weft::fetcher
