// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/demand_latency.h"
#include "fetcher/schedule/foreground.h"
#include "fetcher/schedule/have_book.h"
#include "fetcher/schedule/image_schedule.h"
#include "fetcher/schedule/link_window.h"
#include "fetcher/schedule/money_ledger.h"
#include "fetcher/schedule/plan_problem.h"
#include "fetcher/schedule/prefetch_order.h"
#include "fetcher/schedule/readahead.h"
#include "fetcher/schedule/replanner.h"
#include "fetcher/schedule/token_bucket.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

/// What `Scheduler` keeps of images, links and questions. Its own: nobody else writes here.
namespace weft::fetcher {

/// Bytes that a cap gives at least: a request beside reads goes when all of it is there. The same
/// for every request, however large it is and its image compresses.
inline constexpr double least_of_a_cap =
    static_cast<double>(LinkWindow::part_beside_reads.value()) * block_size;

/// An image as the scheduler sees it, with its job.
struct ScheduledImage {
  ImageSchedule schedule;
  Readahead readahead;
  BlockCount blocks;
  TimePoint prefetch_paused_until{};
  TokenBucket cap{least_of_a_cap};  // content
  bool held = false;
  MoneyLedger money;
  std::map<PeerId, SourceCounts> counts;
  BlockIndex haves_from;                       // the next look for what nobody holds starts here
  std::shared_ptr<const PrefetchOrder> order;  // null: that of all images
  HaveBook haves;
  std::optional<wire::Priority> haves_due;  // look for have queries, down to this priority
  // Planning.
  plan::Goal goal;
  BlockCount to_come;
  Urgency urgency;
  Replanner replanner;
  TimePoint look_at_plan{};
  std::uint64_t plan_number = 0;  // that is being made
  std::optional<PlanStatus> planned;
  double wire_bytes = 0;  // of `wire_blocks` that came
  double wire_blocks = 0;

  [[nodiscard]] bool thrifty() const { return goal.kind != plan::Goal::Kind::fastest; }
  [[nodiscard]] double wire_bytes_per_block() const;
};

/// The link to a connected peer.
struct ScheduledLink {
  LinkWindow window;
  std::optional<TimePoint> stalled;  // until it is tried again, unless something comes before
  unsigned stalls = 0;               // since something came; above 0, one batch at a time tries
  ImageId last_image;                // that was asked for last: the next one's turn
  bool answers_haves = false;
  double rate_at_haves = 0;  // when have queries were last looked for because of it
  std::size_t nodes_per_request = wire::max_nodes;
  DemandLatency latency;
  Foreground foreground;

  [[nodiscard]] bool lively() const { return !stalled && stalls == 0; }
  /// What may be on its way before more of this priority is asked for. `urgent`: the next of it is
  /// what a boot will read. It does not back off from the reads of that boot, which would only wait
  /// for it one by one.
  [[nodiscard]] BlockCount limit(wire::Priority priority, bool urgent, TimePoint now) const {
    if (!lively()) return BlockCount(1);  // has it come back?
    if (priority == wire::Priority::readahead) return window.window() * 2;
    if (!foreground.active(now)) return window.window();
    if (urgent) return window.window_beside_reads(BlockCount(wire::blocks_per_batch), 1);
    return window.window_beside_reads(LinkWindow::part_beside_reads, foreground.share(now));
  }
};

/// A have query on its way.
struct HaveQuery {
  PeerId peer{};
  ImageId image;
  std::vector<BlockRange> blocks;   // asked about
  std::vector<BlockRange> instead;  // of a sample: what it stands for
};

/// Tree nodes asked for in one request.
struct NodeFetch {
  PeerId peer{};
  ImageId image;
  TimePoint late_at;  // then another holder is asked
  Duration expected{0};
  BlockCount nodes;  // as the ledger counts them
  double price = 0;
};

}  // namespace weft::fetcher
