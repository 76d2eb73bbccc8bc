// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/tree_wants.h"
#include "fetcher/schedule/twins.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/materialize_job.h"
#include "indexer/core/clock.h"
#include "indexer/import/progress.h"
#include "indexer/store/local_image.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// What a materialization looks up next, what it wants fetched, and how far it is. Walks the image
/// in order: tree nodes ahead in bulk, blocks behind them in slices. It wants far ahead of what is
/// asked for, so that a plan sees it: up to 2^20 blocks in 2^15 runs, about 10 MB of books. Tree
/// nodes that only serve that take a quarter of the time, so that they are not in front of
/// everything. At the end it checks that everything is here; what was lost meanwhile makes another
/// round. A state machine; only the steps it hands out touch the image.
class Materializer {
 public:
  /// Copies tree nodes over a window from trees that are here; called in steps.
  using Graft = std::function<Result<std::uint64_t>(BlockRange window)>;

  Materializer(std::shared_ptr<LocalImage> image, Graft graft, TimePoint now);

  /// What the scheduler knows now.
  struct View {
    TimePoint now;
    BlockCount backlog;           ///< wanted and not asked for, twins included
    std::size_t wanted_runs = 0;  ///< of the backlog, without twins
    BlockCount twins;             ///< of the backlog
    BlockCount busy;              ///< in flight or landing
    ByteCount fetched;            ///< since the job began
    FetchSources sources = {};
    bool disk_full = false;
    bool paused = false;
    const TreeWants* nodes = nullptr;
    /// It will soon be known what of the tree is here already: none of it is asked for before.
    bool tree_waits = false;
    std::size_t bulk_nodes = wire::max_nodes;  ///< to ask for together
    std::uint64_t jobs_done = 0;  ///< ever, of all images: then there is more to borrow from
  };
  struct Wanted {
    std::vector<BlockRange> blocks;
    std::vector<Twins::Keyed> keyed;  ///< the same blocks, if their digests could be read
    std::vector<TreeNode> nodes;
  };
  /// What a step found out.
  struct Outcome {
    std::optional<TreeAhead> tree = {};
    std::optional<BlockIndex> known_to = {};  ///< of a tree that is on its way
    std::optional<BlocksAhead> blocks = {};
    std::vector<Twins::Keyed> keyed = {};
    std::optional<ImageUsage> usage = {};
    bool at_end = false;  ///< of a round: `usage` says whether that was all
  };
  using Step = std::function<Result<Outcome>()>;  ///< for a worker

  /// The next step, if there is something to look up now.
  [[nodiscard]] std::optional<Step> next(const View& view);
  [[nodiscard]] Wanted take(const Result<Outcome>& outcome, TimePoint now);
  /// Progress, when it is time to report it.
  [[nodiscard]] std::optional<MaterializeProgress> due_report(const View& view);
  [[nodiscard]] TimePoint wake_at(TimePoint now) const;
  /// Blocks that were not looked at yet; some of them may be here.
  [[nodiscard]] BlockCount to_come() const { return end() - blocks_to_; }
  [[nodiscard]] const MaterializeProgress& progress() const { return progress_; }

 private:
  [[nodiscard]] BlockIndex end() const;
  [[nodiscard]] Step look_for_blocks();
  void note_tree(const View& view);
  [[nodiscard]] static bool may_want_more(const View& view);
  void note_usage(const ImageUsage& usage);
  void note_rate(const View& view);
  void note_state(const View& view);

  std::shared_ptr<LocalImage> image_;
  Graft graft_;
  BlockIndex tree_to_;           // every leaf before this is here
  BlockIndex resolved_to_;       // what other local images hold before this was borrowed
  BlockIndex blocks_to_;         // every missing block before this was wanted once
  std::uint64_t jobs_done_ = 0;  // as of the last look at other local images
  std::vector<TreeNode> awaited_;
  std::size_t awaited_then_ = 0;  // as of the last look at what has come of them
  TimePoint tree_asked_at_;
  TimePoint tree_rests_until_;
  bool tree_waits_ = false;  // as of the last look at the tree
  bool withheld_ = false;    // then something of it was not here
  TimePoint resume_at_;      // next round
  TimePoint usage_at_;
  TimePoint report_at_;
  TimePoint moved_at_;
  Progress pace_;  // of what comes over the links; what is found here takes no time
  MaterializeProgress progress_;
};

}  // namespace weft::fetcher
