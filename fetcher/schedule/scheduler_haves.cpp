// SPDX-License-Identifier: Apache-2.0
// Scheduler: who is asked what it holds of an image in other images.
#include "fetcher/schedule/scheduler.h"
#include "indexer/core/assert.h"

#include <algorithm>

namespace weft::fetcher {

using wire::Priority;

namespace {

constexpr BlockCount largest_query(16384);  // keys: 80 KiB
constexpr std::size_t peers_asked = 16;     // about one image at a time
constexpr std::uint64_t sampled_one_of = 16;
constexpr std::size_t most_runs_looked_at = 1024;

/// Single blocks spread over `blocks`, the first included.
std::vector<BlockRange> sample_of(const std::vector<BlockRange>& blocks) {
  std::vector<BlockRange> sample;
  std::uint64_t next = 0;
  std::uint64_t passed = 0;
  for (const BlockRange& range : blocks) {
    for (; next < passed + range.count.value(); next += sampled_one_of) {
      sample.push_back({range.first + BlockCount(next - passed), BlockCount(1)});
    }
    passed += range.count.value();
  }
  return sample;
}

}  // namespace

void Scheduler::answers_haves(PeerId peer, TimePoint now) {
  const auto link = links_.find(peer);
  if (link == links_.end() || !trust_[peer].believed()) return;
  link->second.answers_haves = true;
  haves_due();
  dispatch(now);
}

void Scheduler::haves_due() {
  for (auto& [id, image] : images_)
    image.haves_due = Priority::prefetch;
}

bool Scheduler::haves_pending(const ImageId& image) const {
  return std::ranges::any_of(have_queries_,
                             [&](const auto& entry) { return entry.second.image == image; });
}

std::uint64_t Scheduler::false_haves(PeerId peer) const {
  const auto it = trust_.find(peer);
  return it == trust_.end() ? 0 : it->second.false_haves();
}

void Scheduler::note_promises(PeerId peer, BlockCount kept, BlockCount broken) {
  HaveTrust& trust = trust_[peer];
  trust.kept(kept);
  trust.broken(broken);
  if (trust.believed()) return;
  links_.at(peer).answers_haves = false;
  std::erase_if(have_queries_, [&](const auto& entry) { return entry.second.peer == peer; });
  for (auto& [id, image] : images_) {
    image.schedule.holders.forget_by_digest(peer);
    image.haves.forget(peer);
    image.haves_due = Priority::prefetch;
  }
}

// --- Questions.

/// What is wanted and held by nobody whose link is alive. Of long lists a part at a time: the next
/// call goes on behind it, and comes with the next dispatch.
RangeSet Scheduler::unheld(Image& image, Priority priority) {
  const auto alive = [this](PeerId peer) { return is_alive(peer); };
  RangeSet result;
  const ImageSchedule& schedule = image.schedule;
  const auto whole = [&](PeerId peer) { return schedule.holders.is_complete(peer) && alive(peer); };
  if (std::ranges::any_of(links_, whole, [](const auto& link) { return link.first; }))
    return result;
  const RangeSet& all = schedule.wanted(priority);
  BlockIndex at = priority == Priority::prefetch ? image.haves_from : BlockIndex(0);
  std::size_t looked = 0;
  std::optional<BlockRange> next;
  while ((next = all.first_within(BlockRange::between(at, all_blocks.end())))) {
    if (++looked > most_runs_looked_at) break;
    for (const Holders::Run& run : schedule.holders.runs(*next)) {
      if (std::ranges::none_of(run.peers, alive)) result.add(run.range);
    }
    at = next->end();
  }
  if (priority == Priority::prefetch) image.haves_from = next ? at : BlockIndex(0);
  if (next) image.haves_due = Priority::prefetch;
  return result;
}

std::optional<HaveLink> Scheduler::best_of_image(const Image& image) const {
  std::optional<HaveLink> best;
  for (const PeerId peer : image.schedule.holders.with_image()) {
    const auto link = links_.find(peer);
    if (link == links_.end() || link->second.stalled) continue;
    const LinkWindow& window = link->second.window;
    if (!best || window.bytes_per_second() > best->bytes_per_second) {
      best = {window.bytes_per_second(), window.wire_bytes_per_block()};
    }
  }
  return best;
}

/// The plan leaves the link of this peer idle while others still bring what is wanted, since the
/// peer is not known to hold more.
bool Scheduler::is_idle_early(const Image& image, PeerId peer) {
  constexpr double clearly = 0.95;
  if (!image.planned) return false;
  const PlanForecast& forecast = image.planned->forecast;
  const auto source = std::ranges::find(forecast.sources, peer, &PlanForecast::Source::peer);
  const Duration finish = source == forecast.sources.end() ? Duration(0) : source->finish;
  return finish < std::chrono::duration_cast<Duration>(clearly * forecast.finish());
}

void Scheduler::ask_haves(const ImageId& id, Image& image, TimePoint now) {
  const auto due = std::exchange(image.haves_due, {});
  if (!due) return;
  std::vector<PeerId> peers;
  for (const auto& [peer, link] : links_) {
    if (link.answers_haves && !link.stalled && !image.schedule.holders.is_banned(peer) &&
        image.haves.may_ask(peer, now)) {
      peers.push_back(peer);
    }
  }
  if (peers.empty()) return;
  std::ranges::sort(peers, std::ranges::greater{},
                    [&](PeerId peer) { return links_.at(peer).window.bytes_per_second(); });
  if (peers.size() > peers_asked) peers.resize(peers_asked);

  const auto best = best_of_image(image);
  double rate_of_all = 0;
  for (const auto& [peer, link] : links_)
    rate_of_all += link.stalled ? 0 : link.window.bytes_per_second();
  for (const Priority priority : {Priority::demand, Priority::readahead, Priority::prefetch}) {
    const RangeSet& wanted = image.schedule.wanted(priority);
    if (wanted.empty() || priority > *due) continue;
    const RangeSet nobody_holds = unheld(image, priority);
    for (const PeerId peer : peers) {
      ask_have(id, image, peer, priority, nobody_holds, false);
      if (priority == Priority::demand || !best) continue;
      const LinkWindow& window = links_.at(peer).window;
      const HaveLink link{window.bytes_per_second(), window.wire_bytes_per_block()};
      double saved = saved_by_faster(link, *best);
      if (priority == Priority::prefetch && is_idle_early(image, peer)) {
        saved = std::max(saved, saved_by_idle(link.wire_bytes_per_block, rate_of_all));
      }
      if (!worth_asking(link, saved, 1)) continue;
      const bool sample = !worth_asking(link, saved, image.haves.share(peer).value_or(0));
      ask_have(id, image, peer, priority, wanted, sample);
    }
  }
}

/// One query at a time to a peer about an image, but for what somebody waits for.
void Scheduler::ask_have(const ImageId& id, Image& image, PeerId peer, Priority priority,
                         const RangeSet& scope, bool sample) {
  if (priority > Priority::demand && image.haves.in_flight(peer) > 0) return;
  const Holders& holders = image.schedule.holders;
  std::vector<BlockRange> blocks;
  BlockCount left = largest_query;
  const auto take = [&](BlockRange part) {
    // A digest cannot be asked for before it is known.
    if (image.schedule.nodes.awaits_leaf(part)) return;
    const RangeSet held(holders.held(peer, part));
    for (BlockRange gap : held.gaps(part)) {
      gap.count = std::min(gap.count, left);
      left -= gap.count;
      if (!gap.empty()) blocks.push_back(gap);
    }
  };
  for (const BlockRange& range : scope.ranges()) {
    for (BlockRange part : image.haves.unasked(peer, range)) {
      while (!part.empty() && left > BlockCount(0)) {
        const BlockIndex leaf_end((part.first.value() / tree_fanout + 1) *
                                  std::uint64_t{tree_fanout});
        const BlockIndex end = std::min(part.end(), leaf_end);
        take(BlockRange::between(part.first, end));
        part = BlockRange::between(end, part.end());
      }
    }
    if (left == BlockCount(0)) break;
  }
  if (blocks.empty()) return;
  const HaveId query{++last_have_};
  image.haves.asked(peer, blocks);
  std::vector<BlockRange> instead;
  if (sample) instead = std::exchange(blocks, sample_of(blocks));
  have_queries_.emplace(query, HaveQuery{peer, id, blocks, std::move(instead)});
  commands_.push_back(AskHave{query, peer, id, std::move(blocks), priority});
}

// --- Answers.

void Scheduler::have_answered(HaveId id, const std::vector<BlockRange>& held, TimePoint now) {
  const auto query = have_queries_.extract(id);
  if (!query) return;
  const auto& [peer, image_id, blocks, instead] = query.mapped();
  Image& image = at(image_id);
  const RangeSet about(blocks);
  RangeSet useful = intersect(about, RangeSet(held));
  image.haves.answered(peer, about.count(), useful.count());
  if (!instead.empty() && !useful.empty()) {
    // Worth the whole question: what was not in the sample is asked about now.
    RangeSet rest(instead);
    rest.remove(about);
    image.haves.forget(peer, rest.ranges());
  }
  // What has landed meanwhile, or is no longer wanted, would never be forgotten.
  for (const BlockRange& range : useful.ranges()) {
    for (const BlockRange& gone : image.schedule.in_no_state(range))
      useful.remove(gone);
  }
  for (const BlockRange& range : useful.ranges())
    image.schedule.holders.has_by_digest(peer, range);
  image.replanner.holdings_changed(useful.count());
  image.haves_due = Priority::prefetch;
  dispatch(now);
}

void Scheduler::have_failed(HaveId id, TimePoint now) {
  const auto query = have_queries_.extract(id);
  if (!query) return;
  const auto& [peer, image_id, blocks, instead] = query.mapped();
  at(image_id).haves.failed(peer, instead.empty() ? blocks : instead, now);
  dispatch(now);
}

}  // namespace weft::fetcher
