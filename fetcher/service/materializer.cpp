// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/materializer.h"

#include "fetcher/service/digest_lookup.h"
#include "fetcher/wire/messages.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t region = tree_fanout * tree_fanout;  // 64 MiB, with 512 KiB of leaves
constexpr BlockCount low_water(2048);
constexpr BlockCount most_wanted(1U << 20);  // 4 GiB
constexpr std::size_t most_runs = 1U << 15;
constexpr BlockCount most_twins(1U << 16);
constexpr BlockCount slice(4096);
constexpr std::size_t worth_a_look = 16;        // nodes: 8 MiB of image
constexpr BlockCount resolved_together(65536);  // 256 MiB: one merge with the indexes of others
constexpr Duration report_every = std::chrono::milliseconds(250);
constexpr Duration next_round_after = std::chrono::seconds(1);
constexpr Duration quiet_is_waiting = std::chrono::seconds(1);

/// How far the tree is ahead of the blocks: two bulk requests, or, where nodes are packed and most
/// of them cost little, so much that the trees of most images are here before their blocks.
BlockCount tree_ahead(std::size_t bulk_nodes) {
  return BlockCount(region * (bulk_nodes > wire::max_nodes ? 64 : 2));
}

}  // namespace

Materializer::Materializer(std::shared_ptr<LocalImage> image, Graft graft, TimePoint now)
    : image_(std::move(image)),
      graft_(std::move(graft)),
      resume_at_(now),
      usage_at_(now),
      report_at_(now),
      moved_at_(now),
      pace_(ByteCount(0), now) {
  progress_.total = image_->shape().blocks();
}

BlockIndex Materializer::end() const {
  return BlockIndex(image_->shape().blocks().value());
}

std::optional<Materializer::Step> Materializer::next(const View& view) {
  const std::shared_ptr<LocalImage> image = image_;
  if (view.now < resume_at_) return std::nullopt;
  const BlockCount ahead = tree_ahead(view.bulk_nodes);
  note_tree(view);
  // A tree that waits goes before blocks: others may be found by it.
  if (!withheld_ && blocks_to_ < tree_to_ && may_want_more(view)) {
    if (std::exchange(jobs_done_, view.jobs_done) != view.jobs_done) resolved_to_ = blocks_to_;
    return look_for_blocks();
  }
  if (awaited_.size() + worth_a_look <= awaited_then_) {
    awaited_then_ = awaited_.size();
    return [image, window = BlockRange::between(
                       tree_to_, std::min(end(), tree_to_ + ahead))]() -> Result<Outcome> {
      WEFT_TRY(const TreeAhead tree, look_up_tree(*image, window, 0));
      return Outcome{.known_to = tree.complete_to};
    };
  }
  const bool waits = withheld_ && view.tree_waits;
  const bool rests = view.now < tree_rests_until_ && view.backlog >= low_water;
  if (tree_to_ < end() && tree_to_ < blocks_to_ + ahead && awaited_.empty() && !waits && !rests) {
    tree_asked_at_ = view.now;
    tree_waits_ = view.tree_waits;
    const BlockRange window = BlockRange::between(tree_to_, std::min(end(), tree_to_ + ahead));
    return [image, graft = graft_, window, most = view.bulk_nodes]() -> Result<Outcome> {
      // What cannot be copied, for whatever reason, is asked for.
      if (graft) (void)graft(window);
      WEFT_TRY(TreeAhead tree, look_up_tree(*image, window, most));
      return Outcome{.tree = std::move(tree)};
    };
  }
  const bool round_over = blocks_to_ == end() && view.backlog == BlockCount(0) &&
                          view.busy == BlockCount(0) && view.nodes->empty();
  if (round_over) {
    return [image]() -> Result<Outcome> {
      const ImageUsage usage = image->usage();
      if (usage.complete) WEFT_CHECK(image->flush());
      return Outcome{.usage = usage, .at_end = true};
    };
  }
  if (view.now >= usage_at_) {
    usage_at_ = view.now + report_every;
    return [image]() -> Result<Outcome> { return Outcome{.usage = image->usage()}; };
  }
  return std::nullopt;
}

/// A pause after nodes came from peers, three times as long as they took.
void Materializer::note_tree(const View& view) {
  if (awaited_.empty()) return;
  std::erase_if(awaited_, [&](TreeNode node) { return !view.nodes->contains(node); });
  if (awaited_.empty()) tree_rests_until_ = view.now + 3 * (view.now - tree_asked_at_);
}

bool Materializer::may_want_more(const View& view) {
  return !view.paused && view.backlog < most_wanted && view.wanted_runs < most_runs &&
         view.twins < most_twins;
}

/// Borrows before it wants: whatever relatives came since the leaves did.
Materializer::Step Materializer::look_for_blocks() {
  const BlockRange known = BlockRange::between(blocks_to_, tree_to_);
  const BlockIndex to = std::min(tree_to_, std::max(blocks_to_, resolved_to_) + resolved_together);
  const BlockRange unresolved = BlockRange::between(std::max(blocks_to_, resolved_to_), to);
  // Until a slice may reach past what is resolved.
  const bool resolve = resolved_to_ < std::min(tree_to_, blocks_to_ + slice);
  if (resolve) resolved_to_ = to;
  return [image = image_, known = intersect(known, {known.first, resolved_to_ - known.first}),
          unresolved, resolve]() -> Result<Outcome> {
    // What cannot be borrowed, for whatever reason, is fetched.
    if (resolve) (void)image->resolve(unresolved);
    Outcome outcome;
    WEFT_TRY(outcome.blocks, look_up_blocks(*image, known, slice));
    if (auto keyed = keyed_blocks(*image, outcome.blocks->blocks))
      outcome.keyed = std::move(*keyed);
    return outcome;
  };
}

Materializer::Wanted Materializer::take(const Result<Outcome>& outcome, TimePoint now) {
  Wanted wanted;
  if (!outcome) {
    progress_.state = JobState::failed;
    progress_.error = outcome.error();
    return wanted;
  }
  if (outcome->tree) {
    tree_to_ = outcome->tree->complete_to;
    withheld_ = tree_waits_ && !outcome->tree->nodes.empty();
    if (!withheld_) awaited_ = wanted.nodes = outcome->tree->nodes;
    awaited_then_ = awaited_.size();
  }
  if (outcome->known_to) tree_to_ = std::max(tree_to_, *outcome->known_to);
  if (outcome->blocks) {
    blocks_to_ = outcome->blocks->looked_to;
    wanted.blocks = outcome->blocks->blocks;
    wanted.keyed = outcome->keyed;
  }
  if (outcome->usage) note_usage(*outcome->usage);
  if (outcome->at_end) {
    if (outcome->usage->complete) {
      progress_.state = JobState::done;
      progress_.eta = Duration(0);
      progress_.note.clear();
    } else {
      tree_to_ = resolved_to_ = blocks_to_ = BlockIndex(0);
      resume_at_ = now + next_round_after;
    }
  }
  return wanted;
}

void Materializer::note_usage(const ImageUsage& usage) {
  progress_.total = usage.total;
  progress_.done = usage.total - std::min(usage.total, usage.missing);
}

std::optional<MaterializeProgress> Materializer::due_report(const View& view) {
  const JobState before = progress_.state;
  note_rate(view);
  note_state(view);
  if (view.now < report_at_ && progress_.state == before) return std::nullopt;
  report_at_ = view.now + report_every;
  return progress_;
}

void Materializer::note_rate(const View& view) {
  if (view.fetched != progress_.fetched) moved_at_ = view.now;
  progress_.fetched = view.fetched;
  progress_.sources = view.sources;
  pace_.set_total(view.fetched + bytes_of(progress_.total - progress_.done));
  pace_.update(view.fetched, view.now);
  progress_.bytes_per_second = pace_.bytes_per_second();
  progress_.eta = pace_.remaining();
}

void Materializer::note_state(const View& view) {
  const bool something_left =
      view.backlog > BlockCount(0) || !awaited_.empty() || withheld_ || view.busy > BlockCount(0);
  if (view.paused) {
    progress_.state = JobState::paused;
    progress_.note.clear();
  } else if (view.disk_full) {
    progress_.state = JobState::disk_full;
    progress_.note = "the disk is full: waits for space";
  } else if (something_left && view.now - moved_at_ > quiet_is_waiting &&
             view.busy == BlockCount(0)) {
    progress_.state = JobState::waiting;
    progress_.note = "no connected peer holds what is missing";
  } else {
    progress_.state = JobState::running;
    progress_.note.clear();
  }
}

TimePoint Materializer::wake_at(TimePoint now) const {
  TimePoint at = now + report_every;
  for (const TimePoint next : {resume_at_, tree_rests_until_}) {
    if (next > now) at = std::min(at, next);
  }
  return at;
}

}  // namespace weft::fetcher
