// SPDX-License-Identifier: Apache-2.0
// Scheduler: who is asked for what, now.
#include "fetcher/schedule/scheduler.h"
#include "fetcher/schedule/simple_orders.h"
#include "indexer/core/assert.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace weft::fetcher {

using wire::Priority;

namespace {

constexpr BlockCount one_batch(wire::blocks_per_batch);

}  // namespace

void Scheduler::dispatch(TimePoint now) {
  for (auto& [id, image] : images_)
    ask_haves(id, image, now);
  // Images take turns in being first, for when the bound on what is in flight is reached.
  auto start = images_.upper_bound(last_served_);
  for (std::size_t i = 0; i < images_.size(); ++i, ++start) {
    if (start == images_.end()) start = images_.begin();
    dispatch_demand(start->first, start->second, now);
    hedge(start->first, start->second, now);
  }
  for (auto& [id, image] : images_)
    dispatch_nodes(id, image, std::nullopt, Priority::prefetch, now);
  fill_links(Priority::readahead, false, now);
  // What all share goes to a boot first. A link without a cap has room for both.
  if (node_cap_.limited()) fill_links(Priority::prefetch, true, now);
  fill_links(Priority::prefetch, false, now);
  for (auto& [peer, link] : links_)
    repeat_tail(peer, link, now);
  for (auto& [id, image] : images_)
    plan_if_due(id, image, now);
}

// --- Demand.

void Scheduler::dispatch_demand(const ImageId& id, Image& image, TimePoint now) {
  ImageSchedule& schedule = image.schedule;
  if (schedule.wanted(Priority::demand).empty()) return;
  std::vector<FetchTicket> tickets;
  for (const auto& [ticket, read] : schedule.reads())
    tickets.push_back(ticket);
  for (const FetchTicket ticket : tickets) {
    const std::uint64_t taken = busy();
    std::uint64_t room = limits_.in_flight.value() - std::min(taken, limits_.in_flight.value());
    if (room == 0) return;
    ImageSchedule::Read& read = *schedule.find_read(ticket);
    PerPeer assigned;
    const bool unserved = assign(image, read, assigned, room);
    if (!assigned.empty()) {
      last_served_ = id;
      for (const auto& [peer, ranges] : assigned) {
        if (!schedule.holders.has_image(peer)) continue;
        dispatch_nodes(id, image, peer, Priority::demand, now);
        break;
      }
    }
    for (auto& [peer, ranges] : assigned) {
      read.tried.insert(peer);
      send(id, image, {peer, Priority::demand, FetchReason::demand}, ranges, now);
    }
    if (unserved && !read.hold && !schedule.holders.any_asked() && !haves_pending(id)) {
      commands_.push_back(FailRead{ticket, Errc::no_source, id, read.outstanding.first(),
                                   schedule.tried(read), read.too_dear});
      schedule.remove_read(ticket);
    }
  }
}

/// Spreads what the read wants over holders. True: some block has none.
bool Scheduler::assign(Image& image, ImageSchedule::Read& read, PerPeer& assigned,
                       std::uint64_t& room) {
  bool unserved = false;
  MoneyLedger money = image.money;  // with what is assigned
  for (const BlockRange& outstanding : read.outstanding.ranges()) {
    for (const BlockRange& wanted : image.schedule.wanted(Priority::demand).within(outstanding)) {
      for (const Holders::Run& run : image.schedule.holders.runs(wanted)) {
        std::vector<PeerId> holders = usable(run.peers);
        const bool held = !holders.empty();
        std::erase_if(holders, [&](PeerId peer) {
          return links_.at(peer).window.outstanding() >= limits_.in_flight;
        });
        if (held && holders.empty()) continue;  // waits for its turn
        if (awaits_clearing(holders, money)) continue;
        const BlockCount affordable = keep_affordable(holders, money, run.range.count);
        read.too_dear = held && holders.empty();
        if (holders.empty()) {
          unserved = true;
          continue;
        }
        const BlockCount count = std::min({run.range.count, BlockCount(room), affordable});
        if (count == BlockCount(0)) return unserved;
        room -= count.value();
        std::vector<SourceState> states;
        for (const PeerId peer : holders)
          states.push_back(source(peer, assigned));
        BlockIndex at = run.range.first;
        for (const SourceShare& share : choice_->choose(states, count)) {
          assigned[share.peer].push_back({at, share.blocks});
          money.reserve(price(share.peer), share.blocks);
          at += share.blocks;
        }
      }
    }
  }
  return unserved;
}

/// None of them may be asked now; one may when more money is cleared.
bool Scheduler::awaits_clearing(const std::vector<PeerId>& holders,
                                const MoneyLedger& money) const {
  const auto pays = [&](BlockCount (MoneyLedger::*blocks)(double) const) {
    return std::ranges::any_of(
        holders, [&](PeerId peer) { return (money.*blocks)(price(peer)) > BlockCount(0); });
  };
  return pays(&MoneyLedger::payable) && !pays(&MoneyLedger::affordable);
}

/// Leaves those that can be paid for all of `blocks`, or, if there are none, for the most of them;
/// how many.
BlockCount Scheduler::keep_affordable(std::vector<PeerId>& holders, const MoneyLedger& money,
                                      BlockCount blocks) const {
  BlockCount most;
  for (const PeerId peer : holders)
    most = std::max(most, std::min(blocks, money.affordable(price(peer))));
  std::erase_if(holders, [&](PeerId peer) {
    return most == BlockCount(0) || money.affordable(price(peer)) < most;
  });
  return most;
}

// --- What nobody waits for yet.

/// The next that nobody waits for yet is what a boot will read.
bool Scheduler::is_urgent(const Image& image) {
  bool urgent = false;
  image.urgency.visit(image.schedule.wanted(Priority::prefetch),
                      [&](plan::Tier tier, const RangeSet&) {
                        urgent = tier <= boot_tiers;
                        return false;
                      });
  return urgent;
}

/// Links take turns in being first, for when a cap lets only one request through.
void Scheduler::fill_links(Priority priority, bool only_urgent, TimePoint now) {
  auto next = links_.upper_bound(last_filled_);
  for (std::size_t i = 0; i < links_.size(); ++i, ++next) {
    if (next == links_.end()) next = links_.begin();
    auto& [peer, link] = *next;
    if (!link.stalled && fill(peer, link, priority, only_urgent, now)) last_filled_ = peer;
  }
}

/// True: it was asked for something.
bool Scheduler::fill(PeerId peer, Link& link, Priority priority, bool only_urgent, TimePoint now) {
  const BlockCount most = link.limit(priority, true, now);
  bool sent = false;
  std::set<ImageId> dry;
  while (link.window.outstanding() < most && busy() < limits_.in_flight.value() / 2) {
    auto next = images_.upper_bound(link.last_image);
    std::size_t looked = 0;
    for (; looked < images_.size(); ++looked, ++next) {
      if (next == images_.end()) next = images_.begin();
      const auto& [id, image] = *next;
      if (dry.contains(id) || image.schedule.wanted(priority).empty()) continue;
      if (!only_urgent || is_urgent(image)) break;
    }
    if (looked == images_.size()) break;
    if (send_one(next->first, next->second, peer, link, priority, now)) {
      link.last_image = next->first;
      sent = true;
    } else {
      dry.insert(next->first);
    }
  }
  return sent;
}

bool Scheduler::send_one(const ImageId& id, Image& image, PeerId peer, Link& link,
                         Priority priority, TimePoint now) {
  if (now < image.prefetch_paused_until || image.held) return false;
  if (priority == Priority::prefetch && price(peer) > 0 && awaits_offers(image)) return false;
  const bool urgent = priority == Priority::prefetch && is_urgent(image);
  const BlockCount limit = link.limit(priority, urgent, now);
  if (link.window.outstanding() >= limit) return false;
  BlockCount size = request_size(link, priority, urgent, limit, now);
  size = std::min({size, affordable(image, peer), within_caps(image, priority, now)});
  if (size == BlockCount(0)) return false;
  const Picked picked = pick(image, peer, priority, size);
  if (picked.ranges.empty()) return false;
  for (const BlockRange& range : picked.ranges)
    image.cap.take(static_cast<double>(bytes_of(range.count).value()));
  send(id, image, {peer, priority, picked.reason}, picked.ranges, now);
  return true;
}

/// While somebody reads, not more than a batch beyond the limit.
BlockCount Scheduler::request_size(const Link& link, Priority priority, bool urgent,
                                   BlockCount limit, TimePoint now) {
  if (!link.lively()) return one_batch;
  const BlockCount usual = link.window.request_size();
  if (priority != Priority::prefetch || !link.foreground.active(now)) return usual;
  if (!urgent) return LinkWindow::part_beside_reads;
  const std::uint64_t room = (limit - link.window.outstanding()).value();
  const std::uint64_t batches = (room + one_batch.value() - 1) / one_batch.value();
  return std::min(usual, one_batch * batches);
}

/// Blocks that the caps let through now: none, or a batch at least, which may leave a debt. Counted
/// as if nothing compressed, so that images get equal turns.
BlockCount Scheduler::within_caps(Image& image, Priority priority, TimePoint now) {
  BlockCount most(wire::max_blocks_requested);
  const auto limit = [&](TokenBucket& bucket) {
    if (!bucket.limited()) return;
    const double credit = std::max(0.0, bucket.credit(now));
    const BlockCount blocks(static_cast<std::uint64_t>(credit / block_size));
    most = std::min(most, bucket.gives(now) ? std::max(blocks, one_batch) : BlockCount(0));
  };
  if (priority == Priority::prefetch) limit(image.cap);
  limit(node_cap_);
  return most;
}

Picked Scheduler::pick(const Image& image, PeerId peer, Priority priority, BlockCount limit) const {
  const std::vector<LinkPace> links = paces();
  const ImageSchedule& schedule = image.schedule;
  const auto offer = [&](const RangeSet& wanted) {
    return Offer{peer,  limit,           wanted,        schedule.holders, schedule.queues(),
                 links, image.thrifty(), &image.urgency};
  };
  const RangeSet& wanted = schedule.wanted(priority);
  if (priority != Priority::prefetch) {
    return {ImageOrder().pick(offer(wanted)).ranges, FetchReason::readahead};
  }
  if (!image.order) return order_->pick(offer(wanted));
  // Such an order knows no urgency.
  Picked urgent;
  image.urgency.visit(wanted, [&](plan::Tier, const RangeSet& first) {
    urgent = image.order->pick(offer(first));
    return urgent.ranges.empty();
  });
  return urgent.ranges.empty() ? image.order->pick(offer(wanted)) : urgent;
}

// --- Bookkeeping.

void Scheduler::send(const ImageId& id, Image& image, Ask ask,
                     const std::vector<BlockRange>& ranges, TimePoint now) {
  const Holders& holders = image.schedule.holders;
  std::vector<BlockRange> in_image;
  std::vector<BlockRange> by_digest;
  for (const BlockRange& range : ranges) {
    const RangeSet held(holders.held_in_image(ask.peer, range));
    std::ranges::copy(held.within(range), std::back_inserter(in_image));
    std::ranges::copy(held.gaps(range), std::back_inserter(by_digest));
  }
  send(id, image, ask, in_image, false, now);
  send(id, image, ask, by_digest, true, now);
}

void Scheduler::send(const ImageId& id, Image& image, Ask ask,
                     const std::vector<BlockRange>& ranges, bool by_digest, TimePoint now) {
  std::vector<BlockRange> part;
  BlockCount blocks;
  const auto flush = [&] {
    if (part.empty()) return;
    const FetchId fetch{++last_fetch_};
    if (ask.reason == FetchReason::duplicate) {
      image.schedule.sent_again(fetch, ask.peer, part, ask.priority, now, by_digest);
    } else {
      image.schedule.sent(fetch, ask.peer, part, ask.priority, now, by_digest, ask.reason);
    }
    if (ask.priority == Priority::demand) note_demand(image.schedule, fetch, blocks, now);
    if (const double cost = price(ask.peer); cost > 0) {
      image.money.reserve(cost, blocks);
      prices_.emplace(fetch, cost);
    }
    node_cap_.take(static_cast<double>(blocks.value()) * image.wire_bytes_per_block());
    fetches_.emplace(fetch, id);
    links_.at(ask.peer).window.sent(ask.priority, blocks, now);
    commands_.push_back(
        SendBlocks{fetch, ask.peer, id, std::exchange(part, {}), ask.priority, by_digest});
    blocks = BlockCount(0);
  };
  for (BlockRange range : ranges) {
    while (!range.empty()) {
      const BlockCount fits = BlockCount(wire::max_blocks_requested) - blocks;
      const BlockRange piece{range.first, std::min(range.count, fits)};
      part.push_back(piece);
      blocks += piece.count;
      range = BlockRange::between(piece.end(), range.end());
      if (blocks == BlockCount(wire::max_blocks_requested) || part.size() == wire::max_ranges) {
        flush();
      }
    }
  }
  flush();
}

void Scheduler::raise(Image& image, FetchId id, TimePoint now) {
  const auto& fetch = image.schedule.fetches().at(id);
  links_.at(fetch.peer).window.raised(fetch.priority, Priority::demand, fetch.due());
  image.schedule.raise(id, Priority::demand);
  note_demand(image.schedule, id, BlockCount(0), now);
  commands_.push_back(RaiseFetch{id, fetch.peer});
}

void Scheduler::leave(Image& image, std::span<const FetchId> fetches) {
  for (const FetchId fetch : fetches) {
    const PeerId peer = image.schedule.fetches().at(fetch).peer;
    end_fetch(image, fetch);
    commands_.push_back(CancelFetch{fetch, peer});
  }
}

std::vector<BlockRange> Scheduler::end_fetch(Image& image, FetchId id, bool sent) {
  const auto& fetch = image.schedule.fetches().at(id);
  if (const auto link = links_.find(fetch.peer); link != links_.end()) {
    link->second.window.gone(fetch.priority, fetch.due());
  }
  if (const auto price = prices_.extract(id)) {
    if (sent) {
      image.money.lost(price.mapped(), fetch.due());
    } else {
      image.money.release(price.mapped(), fetch.due());
    }
  }
  fetches_.erase(id);
  return image.schedule.finish(id);
}

/// What counts against the bound on what is in flight. Not what a stalled link owes: a peer that
/// went silent must not use up what others could deliver.
std::uint64_t Scheduler::busy() const {
  std::uint64_t blocks = 0;
  const bool any_stalled = std::ranges::any_of(
      links_, [](const auto& entry) { return entry.second.stalled.has_value(); });
  for (const auto& [id, image] : images_) {
    blocks += image.schedule.busy().value();
    if (!any_stalled) continue;
    for (const auto& [fetch, entry] : image.schedule.fetches()) {
      const bool first = entry.reason != FetchReason::duplicate;
      if (first && links_.at(entry.peer).stalled) blocks -= entry.remaining.count().value();
    }
  }
  return blocks;
}

}  // namespace weft::fetcher
