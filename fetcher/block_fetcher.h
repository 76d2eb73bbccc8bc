// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/block_origin.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

/// What the mount needs from the fetcher: the seam between `fs` and `fetcher`.
namespace weft::fetcher {

/// A verified block that could not be stored (disk full): served once, straight from memory.
struct LooseBlock {
  BlockIndex index;
  std::shared_ptr<const NodeBytes> bytes;
};

/// Every block of the request is readable in its LocalImage, except those handed over here.
struct FetchOutcome {
  std::vector<LooseBlock> loose;
  /// The farthest that the read waited for.
  BlockOrigin origin = BlockOrigin::local;
};

struct DemandRead {
  std::shared_ptr<LocalImage> image;
  BlockRange range;
  /// When it fails with Errc::deadline_passed, naming the first missing block and the peers tried.
  TimePoint deadline;
  /// False: fail with Errc::no_source as soon as no connected peer can give the blocks, instead of
  /// holding the read until one appears or the deadline passes.
  bool hold = true;
};

/// Names a demand read for `cancel`; never reused.
enum class FetchTicket : std::uint64_t {};

class BlockFetcher {
 public:
  /// Called exactly once, on a worker thread: it may block on disk I/O, not on the network.
  using Done = std::move_only_function<void(Result<FetchOutcome>)>;

  virtual ~BlockFetcher() = default;
  /// Fetches what is missing of the range ahead of all prefetch; joins fetches already in flight.
  /// Returns at once. Any thread. Errc::queue_full (through `done`) above the bound on waiting
  /// reads.
  virtual FetchTicket read(DemandRead request, Done done) = 0;
  /// `done` is called with Errc::cancelled, unless the outcome is already on its way. Any thread.
  virtual void cancel(FetchTicket ticket) = 0;
};

}  // namespace weft::fetcher
