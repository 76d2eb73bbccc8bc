// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/simple_orders.h"

#include "fetcher/wire/messages.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace weft::fetcher {
namespace {

constexpr BlockCount batch(wire::blocks_per_batch);

/// Random numbers that change with every block that is picked.
class Dice {
 public:
  Dice(std::uint64_t seed, const Offer& offer)
      : state_(mix(seed ^ mix(static_cast<std::uint64_t>(offer.peer))) ^
               offer.wanted.count().value()) {}
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : mix(state_++) % n; }

 private:
  std::uint64_t state_;
};

/// The first batch (of the image's own division) that the peer holds some wanted blocks of, from
/// `from` on and then from the start of the image.
std::optional<BlockRange> batch_from(const Offer& offer, BlockIndex from) {
  const auto search = [&](BlockRange where) -> std::optional<BlockRange> {
    for (auto run = offer.wanted.first_within(where); run;
         run = offer.wanted.first_within(BlockRange::between(run->end(), where.end()))) {
      BlockRange left = *run;
      while (!left.empty()) {
        const BlockIndex start(left.first.value() / batch.value() * batch.value());
        const BlockRange piece = intersect(left, {start, batch});
        if (!offer.holders.held(offer.peer, piece).empty()) return BlockRange{start, batch};
        left = BlockRange::between(piece.end(), left.end());
      }
    }
    return std::nullopt;
  };
  const BlockRange behind = BlockRange::between(from, all_blocks.end());
  if (auto found = search(behind)) return found;
  return search(BlockRange::between(BlockIndex(0), from));
}

/// A random place of what is wanted: every batch between its ends is as likely.
BlockIndex random_place(const Offer& offer, Dice& dice) {
  const BlockIndex first = offer.wanted.first();
  const std::uint64_t span = (offer.wanted.last() - first).value() + 1;
  return BlockIndex((first.value() + dice.below(span)) / batch.value() * batch.value());
}

Picked pick_batch(const Offer& offer, std::optional<BlockRange> place) {
  Picker picker(offer);
  if (place) {
    for (const BlockRange& part : offer.wanted.within(*place)) {
      if (!picker.take(part)) break;
    }
  }
  return {std::move(picker).ranges(), FetchReason::unplanned};
}

/// No lively holder is nearer.
bool is_nearest(const Offer& offer, const LinkPace& self, const std::vector<PeerId>& holders) {
  const auto distance = [](const LinkPace& link) {
    return std::tuple(link.round_trip, -link.bytes_per_second, link.peer);
  };
  return std::ranges::none_of(holders, [&](PeerId peer) {
    const LinkPace* other = find_pace(offer.links, peer);
    return other != nullptr && other->lively && distance(*other) < distance(self);
  });
}

}  // namespace

Picked ImageOrder::pick(const Offer& offer) const {
  Picker picker(offer);
  offer.wanted.visit([&](BlockRange run) { return picker.take(run); });
  return {std::move(picker).ranges(), FetchReason::unplanned};
}

Picked NearestOrder::pick(const Offer& offer) const {
  Picker picker(offer);
  const LinkPace* self = find_pace(offer.links, offer.peer);
  if (self == nullptr) return {};
  offer.wanted.visit([&](BlockRange run) {
    for (const Holders::Run& part : offer.holders.runs(run)) {
      if (is_nearest(offer, *self, part.peers) && !picker.take(part.range)) return false;
    }
    return true;
  });
  return {std::move(picker).ranges(), FetchReason::unplanned};
}

Picked RandomOrder::pick(const Offer& offer) const {
  if (offer.wanted.empty()) return {};
  Dice dice(seed_, offer);
  return pick_batch(offer, batch_from(offer, random_place(offer, dice)));
}

Picked RarestFirst::pick(const Offer& offer) const {
  if (offer.wanted.empty()) return {};
  Dice dice(seed_, offer);
  std::optional<BlockRange> best;
  std::size_t fewest = 0;
  for (std::size_t i = 0; i < window_; ++i) {
    const std::optional<BlockRange> place = batch_from(offer, random_place(offer, dice));
    if (!place) break;  // it holds nothing of what is wanted
    const BlockIndex seen = offer.wanted.first_within(*place)->first;
    const std::size_t holders = offer.holders.runs({seen, BlockCount(1)}).front().peers.size();
    if (best && holders >= fewest) continue;
    best = place;
    fewest = holders;
  }
  return pick_batch(offer, best);
}

}  // namespace weft::fetcher
