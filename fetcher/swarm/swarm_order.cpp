// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm_order.h"

#include "fetcher/wire/messages.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t window = 16;  // pieces among which the rarest are chosen
// What is asked of an origin that many ask is queued there: it cannot be given to others meanwhile,
// and may have been by the time it is sent. Blocks for all members together, and for one at least;
// less before it is known how many they are.
constexpr std::uint64_t queued_at_first = 1024;
constexpr std::uint64_t queued_at_origin = 4096;
constexpr BlockCount least_at_first(1);
constexpr BlockCount least_at_origin(4 * wire::blocks_per_batch);
constexpr std::size_t probes = 256;         // of our share, in one pick
constexpr std::size_t region = 4 * window;  // pieces from a random place on, of which they come
constexpr std::size_t search_steps = 4096;  // runs

}  // namespace

/// What one pick has chosen so far.
struct SwarmOrder::Collected {
  const RangeSet& wanted;
  const Holders& holders;
  PeerId peer{};
  BlockCount left;
  std::uint64_t random;
  std::set<std::uint64_t> taken = {};
  std::vector<BlockRange> ranges = {};

  [[nodiscard]] bool full() const {
    return left == BlockCount(0) || ranges.size() == wire::max_ranges;
  }
  std::uint64_t next_random() { return random = mix(random); }
  void take(std::uint64_t piece, BlockRange range) {
    if (!taken.insert(piece).second) return;
    for (const BlockRange& run : wanted.within(range)) {
      for (BlockRange part : holders.held(peer, run)) {
        if (full()) return;
        part.count = std::min(part.count, left);
        left -= part.count;
        ranges.push_back(part);
      }
    }
  }
};

void SwarmOrder::set_share(PeerId origin, Share share, bool settled) {
  Origin& entry = origins_[origin];
  entry.settled = settled;
  if (entry.share == share && !entry.pieces.empty()) return;
  entry.share = share;
  entry.pieces = pieces_of(share, pieces_);
}

BlockCount SwarmOrder::most_at_once(const Origin& origin) {
  const std::uint64_t members = origin.share.members;
  return origin.settled ? std::max(least_at_origin, BlockCount(queued_at_origin / members))
                        : std::max(least_at_first, BlockCount(queued_at_first / members));
}

bool SwarmOrder::may_repeat(PeerId peer) const {
  const auto origin = origins_.find(peer);
  return !pending_.contains(peer) && (origin == origins_.end() || !is_spared(origin->second));
}

Picked SwarmOrder::pick(const Offer& offer) const {
  if (offer.wanted.empty() || pending_.contains(offer.peer)) return {};
  const Dry now{offer.holders.gains(offer.peer), offer.wanted.count()};
  const auto dry = dry_.find(offer.peer);
  if (dry != dry_.end() && dry->second.gains == now.gains && now.wanted <= dry->second.wanted) {
    return {};
  }
  const auto number = std::uint64_t{static_cast<std::uint32_t>(offer.peer)};
  Collected collected{.wanted = offer.wanted,
                      .holders = offer.holders,
                      .peer = offer.peer,
                      .left = offer.limit,
                      .random = mix(seed_ ^ (number << 40U) ^ now.wanted.value())};
  const auto origin = origins_.find(offer.peer);
  if (origin != origins_.end() && is_spared(origin->second)) {
    const LinkPace* pace = find_pace(offer.links, offer.peer);
    const BlockCount most = most_at_once(origin->second);
    const BlockCount busy = pace == nullptr ? BlockCount(0) : pace->outstanding;
    if (busy >= most) return {};
    collected.left = std::min(collected.left, most - busy);
    collect_from_origin(origin->second, collected);
  } else {
    collect_rarest(collected);
  }
  if (collected.ranges.empty()) dry_[offer.peer] = now;
  return {std::move(collected.ranges), FetchReason::unplanned};
}

void SwarmOrder::collect_from_origin(const Origin& origin, Collected& into) const {
  const auto consider = [&](std::uint32_t piece) {
    const auto first = into.wanted.first_within(pieces_.range(piece));
    if (first && only_at_origins(into.holders, first->first)) {
      into.take(piece, pieces_.range(piece));
    }
  };
  const std::size_t size = origin.pieces.size();
  const std::size_t start = size == 0 || !origin.settled ? 0 : into.next_random() % size;
  for (std::size_t i = 0; i < std::min(size, probes) && !into.full(); ++i)
    consider(origin.pieces[(start + i) % size]);
  for (const std::uint32_t piece : granted_) {
    if (into.full()) return;
    consider(piece);
  }
}

void SwarmOrder::collect_rarest(Collected& into) const {
  std::vector<std::uint64_t> pieces = random_pieces(into);
  std::vector<std::tuple<std::size_t, std::size_t, std::uint64_t>> found;  // rarity, turn, piece
  const std::size_t enough =
      std::max<std::size_t>(window, 2 * into.left.value() / wire::blocks_per_batch);
  while (found.size() < enough && !pieces.empty()) {
    std::uint64_t& drawn = pieces[into.next_random() % pieces.size()];
    const BlockIndex block = into.wanted.first_within(pieces_.range(drawn))->first;
    found.emplace_back(rarity(into.holders, block), found.size(), drawn);
    drawn = pieces.back();
    pieces.pop_back();
  }
  std::ranges::sort(found);
  for (const auto& [count, turn, piece] : found) {
    if (into.full()) return;
    into.take(piece, pieces_.range(piece));
  }
}

/// Pieces of which something is wanted and said to be there, from a random place on, around the
/// end.
std::vector<std::uint64_t> SwarmOrder::random_pieces(Collected& from) const {
  const BlockIndex start = pieces_.range(from.next_random() % pieces_.count()).first;
  const BlockIndex end = pieces_.range(pieces_.count() - 1).end();
  const std::size_t enough =
      std::max<std::size_t>(region, 4 * from.left.value() / wire::blocks_per_batch);
  std::vector<std::uint64_t> found;
  std::size_t steps = 0;
  for (const BlockRange part :
       {BlockRange::between(start, end), BlockRange::between(BlockIndex(0), start)}) {
    from.holders.each_said(from.peer, from.wanted, part, [&](BlockRange run) {
      const std::uint64_t last = pieces_.of(run.end() - BlockCount(1));
      for (std::uint64_t piece = pieces_.of(run.first); piece <= last; ++piece) {
        if (found.empty() || found.back() != piece) found.push_back(piece);
        if (found.size() == enough) return false;
      }
      return ++steps < search_steps;
    });
    if (found.size() == enough) break;
  }
  return found;
}

bool SwarmOrder::only_at_origins(const Holders& holders, BlockIndex block) const {
  return std::ranges::none_of(partners_,
                              [&](PeerId partner) { return holders.holds(partner, block); });
}

std::size_t SwarmOrder::rarity(const Holders& holders, BlockIndex block) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      partners_, [&](PeerId partner) { return holders.holds(partner, block); }));
}

}  // namespace weft::fetcher
