// SPDX-License-Identifier: Apache-2.0
// Scheduler: what is asked for a second time, and what that costs.
#include "fetcher/schedule/scheduler.h"

#include <algorithm>
#include <limits>

namespace weft::fetcher {

using wire::Priority;

namespace {

constexpr double hedged_share = 0.02;       // of the blocks that come
constexpr double most_hedge_credit = 1024;  // blocks
/// The tail is repeated where it comes this much earlier.
constexpr double clearly = 1.5;
constexpr double and_seconds = 0.1;

}  // namespace

// --- Hedging.

TimePoint Scheduler::hedge_at(const ImageSchedule::Fetch& fetch) const {
  return fetch.demanded_at + links_.at(fetch.peer).latency.patience(fetch.expected);
}

bool Scheduler::may_be_hedged(const ImageSchedule::Fetch& fetch) {
  return fetch.expected > Duration(0) && !fetch.hedged && !fetch.remaining.empty() &&
         fetch.reason != FetchReason::duplicate;
}

void Scheduler::hedge(const ImageId& id, Image& image, TimePoint now) {
  if (image.schedule.reads().empty()) return;
  std::vector<FetchId> late;
  for (const auto& [fetch, entry] : image.schedule.fetches()) {
    if (may_be_hedged(entry) && hedge_at(entry) <= now) late.push_back(fetch);
  }
  for (const FetchId fetch : late)
    hedge(id, image, fetch, now);
}

void Scheduler::hedge(const ImageId& id, Image& image, FetchId late, TimePoint now) {
  const ImageSchedule::Fetch& fetch = image.schedule.fetches().at(late);
  RangeSet awaited;
  for (const auto& [ticket, read] : image.schedule.reads())
    awaited.add(intersect(fetch.remaining, read.outstanding));
  if (awaited.empty()) return;
  const auto best = other_holder(image, fetch.peer, awaited.first());
  if (!best) return;
  BlockCount most(static_cast<std::uint64_t>(std::max(0.0, hedge_credit_)));
  most = std::min(most, affordable(image, *best));
  const std::vector<BlockRange> again = repeatable(image, *best, awaited, most);
  if (again.empty()) return;
  image.schedule.mark_hedged(late);
  for (const BlockRange& range : again)
    hedge_credit_ -= static_cast<double>(range.count.value());
  send(id, image, {*best, Priority::demand, FetchReason::duplicate}, again, now);
}

/// The lively holder that would bring a block soonest, apart from one.
std::optional<PeerId> Scheduler::other_holder(const Image& image, PeerId apart_from,
                                              BlockIndex block) const {
  std::optional<PeerId> best;
  double soonest = std::numeric_limits<double>::infinity();
  for (const auto& [peer, link] : links_) {
    if (peer == apart_from || !link.lively() || !image.schedule.holders.holds(peer, block))
      continue;
    if (affordable(image, peer) == BlockCount(0)) continue;
    const double seconds = expected_completion(source(peer, {}), 1);
    if (seconds >= soonest) continue;
    best = peer;
    soonest = seconds;
  }
  return best;
}

// --- The tail.

/// For a link that has nothing to do, not for one that waits for the cap of the node. One request
/// at a time.
void Scheduler::repeat_tail(PeerId peer, Link& link, TimePoint now) {
  if (!link.lively() || link.window.outstanding() > BlockCount(0)) return;
  if (!node_cap_.gives(now)) return;
  for (auto& [id, image] : images_) {
    if (image.held || now < image.prefetch_paused_until || image.cap.limited()) continue;
    const PlanQueues& queues = image.schedule.queues();
    const bool planned = image.planned && !image.order;
    const bool more = planned ? queues.planned() > BlockCount(0)
                              : !image.schedule.wanted(Priority::prefetch).empty();
    if (more || (image.order && !image.order->may_repeat(peer))) continue;
    if (!image.schedule.holders.may_hold(peer) || image.schedule.fetches().empty()) continue;
    std::vector<BlockRange> again = tail(image, peer, link);
    if (again.empty()) continue;
    return send(id, image, {peer, Priority::prefetch, FetchReason::duplicate}, again, now);
  }
}

/// What others have in flight and this link would bring clearly earlier: of the latest fetch.
std::vector<BlockRange> Scheduler::tail(const Image& image, PeerId peer, const Link& link) const {
  const std::vector<LinkPace> links = paces();
  const LinkPace& self = *find_pace(links, peer);
  const double soon = self.seconds_for(wire::blocks_per_batch);
  double latest = clearly * soon + and_seconds;
  std::vector<BlockRange> again;
  for (const auto& [fetch, entry] : image.schedule.fetches()) {
    if (entry.peer == peer || entry.priority != Priority::prefetch || entry.remaining.empty()) {
      continue;
    }
    const LinkPace* owner = find_pace(links, entry.peer);
    if (owner == nullptr || (image.thrifty() && owner->price_per_gib < self.price_per_gib))
      continue;
    const double finish =
        owner->lively ? owner->seconds_for(0) : std::numeric_limits<double>::max();
    if (finish < latest) continue;
    const BlockCount most = std::min(link.window.request_size(), affordable(image, peer));
    std::vector<BlockRange> parts = repeatable(image, peer, entry.remaining, most);
    if (parts.empty()) continue;
    again = std::move(parts);
    latest = finish;
  }
  return again;
}

/// Of `blocks`, which are in flight, those that this peer may be asked for as well.
std::vector<BlockRange> Scheduler::repeatable(const Image& image, PeerId peer,
                                              const RangeSet& blocks, BlockCount most) {
  std::vector<BlockRange> parts;
  for (const BlockRange& range : blocks.ranges()) {
    for (const BlockRange& held : image.schedule.holders.held(peer, range)) {
      for (BlockRange part : image.schedule.repeatable(held, peer)) {
        part.count = std::min(part.count, most);
        most -= part.count;
        if (!part.empty() && parts.size() < wire::max_ranges / 2) parts.push_back(part);
      }
    }
  }
  return parts;
}

/// Fetches that have nothing to bring any more that is not here already.
void Scheduler::cancel_overtaken(Image& image) {
  leave(image, image.schedule.take_overtaken());
}

// --- Accounts.

void Scheduler::count(Image& image, const ImageSchedule::Fetch& fetch, BlockCount useful,
                      BlockCount wasted) {
  for (SourceCounts* counts : {&image.counts[fetch.peer], &counts_[fetch.peer]}) {
    counts->blocks[static_cast<std::size_t>(fetch.reason)] += useful;
    counts->wasted += wasted;
  }
  hedge_credit_ = std::min(most_hedge_credit,
                           hedge_credit_ + hedged_share * static_cast<double>(useful.value()));
}

const std::map<PeerId, SourceCounts>& Scheduler::counts(const ImageId& image) const {
  static const std::map<PeerId, SourceCounts> none;
  const auto it = images_.find(image);
  return it == images_.end() ? none : it->second.counts;
}

/// Of `blocks` blocks that are not among what is on its way at its link.
void Scheduler::note_demand(ImageSchedule& schedule, FetchId id, BlockCount blocks, TimePoint now) {
  const PeerId peer = schedule.fetches().at(id).peer;
  Link& link = links_.at(peer);
  SourceState state = source(peer, {});
  const auto more = static_cast<double>(blocks.value());
  const double expected = expected_completion(state, more);
  state.queued_bytes = link.window.demanded_bytes();
  const double alone = expected_completion(state, more);
  schedule.expect(id, now, from_seconds(expected), from_seconds(alone));
  link.foreground.demanded(now);
}

// --- Money.

double Scheduler::price(PeerId peer) const {
  const auto info = link_info_.find(peer);
  return info == link_info_.end() ? 0 : info->second.price_per_gib;
}

BlockCount Scheduler::affordable(const Image& image, PeerId peer) const {
  return image.money.affordable(price(peer));
}

void Scheduler::set_budget(const ImageId& image, std::optional<double> money, TimePoint now) {
  at(image).money.set_budget(money);
  dispatch(now);
}

void Scheduler::clear_money(const ImageId& image, std::optional<double> money, TimePoint now) {
  at(image).money.clear(money);
  dispatch(now);
}

bool Scheduler::too_dear(const ImageId& id) const {
  const auto it = images_.find(id);
  if (it == images_.end() || !it->second.money.limited()) return false;
  return std::ranges::any_of(links_, [&](const auto& link) {
    return it->second.schedule.holders.may_hold(link.first) &&
           it->second.money.payable(price(link.first)) == BlockCount(0);
  });
}

const MoneyLedger* Scheduler::money(const ImageId& image) const {
  const auto it = images_.find(image);
  return it == images_.end() ? nullptr : &it->second.money;
}

}  // namespace weft::fetcher
