// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/scheduler.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher {

using wire::Priority;

Scheduler::Scheduler(SchedulerLimits limits, std::unique_ptr<SourceChoice> choice,
                     std::unique_ptr<PrefetchOrder> order)
    : limits_(limits), choice_(std::move(choice)), order_(std::move(order)) {}

Scheduler::Image& Scheduler::at(const ImageId& image) {
  const auto it = images_.find(image);
  WEFT_ASSERT(it != images_.end(), "image not added");
  return it->second;
}

// --- Peers and what they hold.

void Scheduler::add_image(const ImageId& image, BlockCount blocks) {
  images_.try_emplace(image).first->second.blocks = blocks;
}

void Scheduler::remove_image(const ImageId& image) {
  const auto it = images_.find(image);
  if (it == images_.end()) return;
  WEFT_ASSERT(it->second.schedule.idle(), "image removed while something is on its way");
  std::erase_if(have_queries_, [&](const auto& entry) { return entry.second.image == image; });
  images_.erase(it);
}

void Scheduler::holding(PeerId peer, const ImageId& image, Holding what, TimePoint now) {
  if (!links_.contains(peer)) return;
  Holders& holders = at(image).schedule.holders;
  at(image).haves_due = Priority::prefetch;
  if (what != Holding::asked) at(image).replanner.holders_changed();
  switch (what) {
    case Holding::asked:
      return holders.asked(peer);
    case Holding::empty:
      holders.empty(peer);
      break;
    case Holding::complete:
      holders.complete(peer);
      break;
  }
  dispatch(now);
}

void Scheduler::holding(PeerId peer, const ImageId& image, const std::vector<BlockRange>& added,
                        const std::vector<BlockRange>& removed, TimePoint now) {
  if (!links_.contains(peer)) return;
  Replanner& replanner = at(image).replanner;
  Holders& holders = at(image).schedule.holders;
  if (!holders.has_image(peer)) replanner.holders_changed();
  holders.partial(peer, added, removed);
  for (const auto* list : {&added, &removed}) {
    for (const BlockRange& range : *list)
      replanner.holdings_changed(range.count);
  }
  if (!removed.empty()) at(image).haves_due = Priority::prefetch;
  dispatch(now);
}

// --- Wanting.

bool Scheduler::read(const ImageId& id, NewRead read, TimePoint now) {
  WEFT_ASSERT(!read.missing.empty(), "a read that misses nothing");
  Image& image = at(id);
  demand_nodes(image, read.nodes, now);
  // Who knows what is read next need not guess.
  const bool foreseen = std::ranges::any_of(
      read.missing, [&](const BlockRange& range) { return image.urgency.foresees(range); });
  const auto joined = image.schedule.add_read(
      read.ticket, {read.range, RangeSet(read.missing), read.deadline, read.hold, {}});
  for (const FetchId fetch : joined.raise)
    raise(image, fetch, now);
  image.haves_due = image.haves_due.value_or(Priority::demand);
  dispatch(now);

  if (foreseen) return joined.any;
  BlockCount largest;
  for (const PeerId peer : usable(image.schedule.holders.with_blocks())) {
    largest = std::max(largest, links_.at(peer).window.window() * 2);
  }
  image.readahead.set_largest(std::min(largest, BlockCount(wire::max_blocks_requested)));
  if (const auto ahead = image.readahead.on_read(read.range)) {
    const BlockRange clipped = intersect(*ahead, {BlockIndex(0), image.blocks});
    if (!clipped.empty()) commands_.push_back(LookAhead{id, clipped});
  }
  return joined.any;
}

void Scheduler::cancel(const ImageId& image, FetchTicket ticket) {
  at(image).schedule.remove_read(ticket);
}

void Scheduler::want(const ImageId& id, std::span<const BlockRange> ranges,
                     std::span<const TreeNode> nodes, Priority priority, TimePoint now) {
  Image& image = at(id);
  for (const TreeNode& node : nodes)
    image.schedule.nodes.want(node, priority);
  for (const BlockRange& range : ranges)
    image.schedule.want(range, priority);
  image.haves_due = std::max(image.haves_due.value_or(priority), priority);
  dispatch(now);
}

void Scheduler::stop_prefetch(const ImageId& id) {
  Image& image = at(id);
  image.schedule.drop(Priority::prefetch);
  image.schedule.nodes.drop_prefetch();
  image.cap.limit(0, TimePoint{});
  image.held = false;
  image.money.set_budget(std::nullopt);
  image.money.clear(std::nullopt);
  image.goal = {};
  image.to_come = BlockCount(0);
  image.replanner.forget();
  image.planned.reset();
}

void Scheduler::pause_prefetch(const ImageId& image, TimePoint until) {
  at(image).prefetch_paused_until = until;
}

void Scheduler::use_order(const ImageId& image, std::shared_ptr<const PrefetchOrder> order) {
  at(image).order = std::move(order);
}

void Scheduler::cap_prefetch(const ImageId& id, double bytes_per_second, TimePoint now) {
  Image& image = at(id);
  const bool changed = image.cap.rate() != bytes_per_second;
  image.cap.limit(bytes_per_second, now);
  if (!changed) return;
  image.replanner.goal_changed();
  dispatch(now);
}

void Scheduler::hold_prefetch(const ImageId& image, bool held, TimePoint now) {
  at(image).held = held;
  dispatch(now);
}

// --- Answers.

Scheduler::Verdict Scheduler::answered(FetchId id, const Answer& answer, TimePoint now) {
  const auto found = fetches_.find(id);
  if (found == fetches_.end()) return Verdict::stale;
  Image& image = at(found->second);
  const auto& fetch = image.schedule.fetches().at(id);
  Link& link = links_.at(fetch.peer);
  const BlockCount before = fetch.due();
  const BlockCount doubled = fetch.superseded.count();
  const bool asked = image.schedule.arrived(id, answer.blocks);
  const bool lacks = asked && image.schedule.absent(id, answer.absent, now + limits_.absent_for);
  const BlockCount came = before - fetch.due();
  const BlockCount wasted = doubled - fetch.superseded.count();
  if (asked && lacks) {
    const BlockCount absent = RangeSet(answer.absent).count();
    count(image, fetch, came - std::min(came, wasted + absent), wasted);
  }
  if (const auto price = prices_.find(id); price != prices_.end()) {
    image.money.came(price->second, came, answer.wire_bytes);
  }
  link.window.gone(fetch.priority, came);
  if (asked) link.window.progress(came, answer.wire_bytes, now);
  if (asked && came > BlockCount(0)) {
    image.wire_blocks += static_cast<double>(came.value());
    image.wire_bytes += static_cast<double>(answer.wire_bytes);
  }
  link.stalled.reset();
  if (std::exchange(link.stalls, 0) > 0) holders_changed();
  const PeerId peer = fetch.peer;
  for (const BlockRange& range : answer.absent) {
    image.haves_due = Priority::prefetch;
    image.replanner.holdings_changed(range.count);
  }
  const bool promised = fetch.by_digest;
  Verdict verdict = asked && lacks ? Verdict::fine : Verdict::unasked;
  if (verdict == Verdict::unasked && !answer.last) commands_.push_back(CancelFetch{id, peer});
  if (answer.last || verdict == Verdict::unasked) {
    const bool early = fetch.due() > BlockCount(0);
    if (!early && fetch.reason == FetchReason::demand) {
      link.latency.record(now - fetch.demanded_at, fetch.expected);
      const Duration batch =
          from_seconds(wire::blocks_per_batch * link.window.wire_bytes_per_block() /
                       link.window.bytes_per_second());
      link.foreground.answered(now - fetch.demanded_at - fetch.alone, fetch.expected > fetch.alone,
                               batch, now);
    }
    end_fetch(image, id);
    if (early && verdict == Verdict::fine) verdict = Verdict::truncated;
  }
  cancel_overtaken(image);
  if (promised && asked && lacks) {
    const BlockCount broken = RangeSet(answer.absent).count();
    note_promises(peer, came - broken, broken);
  }
  // A misbehaving peer is about to be banned: it must not be asked again before that.
  if (verdict == Verdict::fine) dispatch(now);
  return verdict;
}

void Scheduler::failed(FetchId id, bool lacks, TimePoint now) {
  const auto found = fetches_.find(id);
  if (found == fetches_.end()) return;
  Image& image = at(found->second);
  const PeerId peer = image.schedule.fetches().at(id).peer;
  const bool promised = image.schedule.fetches().at(id).by_digest;
  Holders& holders = image.schedule.holders;
  for (const BlockRange& range : end_fetch(image, id, false)) {
    if (!lacks) continue;
    if (promised) {
      holders.lacks_by_digest(peer, range);
    } else {
      holders.absent(peer, range, now + limits_.absent_for);
    }
  }
  image.haves_due = Priority::prefetch;
  dispatch(now);
}

// --- Landing.

void Scheduler::complete(std::span<const FetchTicket> tickets) {
  for (const FetchTicket ticket : tickets)
    commands_.push_back(CompleteRead{ticket});
}

BlockCount Scheduler::landed(const ImageId& id, std::span<const BlockRange> ranges, TimePoint now) {
  if (ranges.empty()) return BlockCount(0);
  const ImageSchedule::Landed landed = at(id).schedule.landed(ranges);
  cancel_overtaken(at(id));
  for (const BlockRange& range : ranges) {
    at(id).haves.landed(range);
    at(id).urgency.landed(range);
  }
  complete(landed.complete);
  dispatch(now);
  return landed.arrived;
}

void Scheduler::rejected(const ImageId& id, std::span<const BlockRange> ranges, TimePoint now) {
  if (ranges.empty()) return;
  at(id).schedule.rejected(ranges);
  at(id).haves_due = Priority::prefetch;
  dispatch(now);
}

void Scheduler::dropped(const ImageId& id, std::span<const BlockRange> ranges, TimePoint now) {
  at(id).schedule.dropped(ranges);
  dispatch(now);
}

// --- Time.

void Scheduler::tick(TimePoint now) {
  for (auto& [id, image] : images_) {
    std::vector<FetchTicket> late;
    for (const auto& [ticket, read] : image.schedule.reads()) {
      if (read.deadline <= now) late.push_back(ticket);
    }
    for (const FetchTicket ticket : late) {
      const auto& read = *image.schedule.find_read(ticket);
      commands_.push_back(FailRead{ticket, Errc::deadline_passed, id, read.outstanding.first(),
                                   image.schedule.tried(read), read.too_dear});
      image.schedule.remove_read(ticket);
    }
    image.schedule.holders.expire(now);
    image.schedule.nodes.forget_lacks(now);
    image.haves.expire(now);
  }
  find_stalled(now);
  leave_late_nodes(now);
  haves_due();
  dispatch(now);
}

std::optional<TimePoint> Scheduler::next_wakeup(TimePoint now) const {
  std::optional<TimePoint> next;
  const auto by = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [peer, link] : links_) {
    const auto stalls_at = link.window.stalls_at();
    if (stalls_at && !link.stalled && *stalls_at > now) by(*stalls_at);
  }
  for (const auto& [id, fetch] : node_fetches_) {
    if (fetch.late_at > now) by(fetch.late_at);
  }
  for (const auto& [id, image] : images_) {
    const ImageSchedule& s = image.schedule;
    for (const auto& [ticket, read] : s.reads())
      by(read.deadline);
    for (const auto& [fetch, entry] : s.fetches()) {
      if (may_be_hedged(entry) && hedge_at(entry) > now) by(hedge_at(entry));
    }
    const bool wants =
        !s.wanted(Priority::prefetch).empty() || !s.wanted(Priority::readahead).empty();
    if (!s.idle() || wants) {
      const bool capped = image.cap.limited() || node_cap_.limited();
      by(now + std::chrono::milliseconds(capped ? 20 : 250));
      for (const TokenBucket* cap : {&image.cap, &node_cap_}) {
        if (cap->ready_at() > now) by(cap->ready_at());
      }
    }
  }
  return next;
}

// --- Looking.

const ImageSchedule* Scheduler::image(const ImageId& image) const {
  const auto it = images_.find(image);
  return it == images_.end() ? nullptr : &it->second.schedule;
}

const ImageSchedule::Fetch* Scheduler::fetch(FetchId id) const {
  const auto found = fetches_.find(id);
  return found == fetches_.end() ? nullptr : &image(found->second)->fetches().at(id);
}

std::optional<Priority> Scheduler::priority_of(FetchId id) const {
  const ImageSchedule::Fetch* found = fetch(id);
  return found == nullptr ? std::nullopt : std::optional(found->priority);
}

BlockCount Scheduler::prefetch_backlog(const ImageId& id) const {
  const ImageSchedule* schedule = image(id);
  return schedule == nullptr ? BlockCount(0) : schedule->wanted(Priority::prefetch).count();
}

bool Scheduler::worth_waiting_for(const Place& first, const Place& twin) const {
  const auto it = images_.find(first.image);
  if (it == images_.end()) return false;
  const ImageSchedule& schedule = it->second.schedule;
  const bool elsewhere = first.image != twin.image;
  if (schedule.is_landing(first.block)) return true;
  const std::optional<PeerId> sender = schedule.sender_of(first.block);
  if (!sender && !schedule.is_wanted(first.block)) return false;
  if (!elsewhere) return true;
  if (!sender && it->second.cap.limited()) return false;
  const bool alive = sender ? is_alive(*sender) : has_lively_holder(first);
  return alive || !has_lively_holder(twin);
}

void Scheduler::check_invariants() const {
  std::map<PeerId, std::array<std::uint64_t, 4>> outstanding;
  std::size_t fetches = 0;
  for (const auto& [id, image] : images_) {
    image.schedule.check_invariants();
    fetches += image.schedule.fetches().size();
    for (const auto& [fetch, entry] : image.schedule.fetches()) {
      WEFT_ASSERT(fetches_.contains(fetch) && fetches_.at(fetch) == id, "fetch is not indexed");
      WEFT_ASSERT(links_.contains(entry.peer), "fetch at a peer that is gone");
      WEFT_ASSERT(!image.schedule.holders.is_banned(entry.peer), "fetch at a banned peer");
      outstanding[entry.peer][static_cast<std::size_t>(entry.priority)] += entry.due().value();
    }
  }
  WEFT_ASSERT(fetches == fetches_.size(), "index of fetches is off");
  for (const auto& [query, entry] : have_queries_) {
    WEFT_ASSERT(links_.contains(entry.peer) && links_.at(entry.peer).answers_haves,
                "have query at a peer that does not answer it");
    WEFT_ASSERT(images_.contains(entry.image), "have query about an image that was removed");
  }
  for (const auto& [peer, link] : links_) {
    for (const Priority p : {Priority::demand, Priority::readahead, Priority::prefetch}) {
      WEFT_ASSERT(
          link.window.outstanding(p).value() == outstanding[peer][static_cast<std::size_t>(p)],
          "the books of a link are off");
    }
  }
}

}  // namespace weft::fetcher
