// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/plan_problem.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_shape.h"

#include <memory>
#include <optional>
#include <variant>
#include <vector>

/// What the scheduler wants done, in this order. Plain values; whoever drives it performs them.
namespace weft::fetcher {

struct SendBlocks {
  FetchId id{};
  PeerId peer{};
  ImageId image;
  std::vector<BlockRange> ranges;
  wire::Priority priority{};
  bool by_digest = false;  ///< the peer holds them in other images
};
/// Ask the peer which of these blocks it holds in whatever image.
struct AskHave {
  HaveId id{};
  PeerId peer{};
  ImageId image;
  std::vector<BlockRange> blocks;  ///< not empty; their leaves are here, or nobody has them
  wire::Priority priority{};
};
struct SendNodes {
  NodeFetchId id{};
  PeerId peer{};
  ImageId image;
  std::vector<TreeNode> nodes;
  wire::Priority priority{};
};
/// A reader joined this fetch.
struct RaiseFetch {
  FetchId id{};
  PeerId peer{};
};
/// Its blocks are wanted elsewhere or not at all; the answer is ignored from now on.
struct CancelFetch {
  FetchId id{};
  PeerId peer{};
};
/// Every block of the read is readable, or was handed to it.
struct CompleteRead {
  FetchTicket ticket{};
};
struct FailRead {
  FetchTicket ticket{};
  Errc why{};  ///< deadline_passed or no_source
  ImageId image;
  BlockIndex first_missing;
  std::vector<PeerId> tried;
  bool too_dear = false;  ///< a holder was not asked, since that might exceed the budget
};
/// Find out which blocks of the range are missing, and `want` them as readahead.
struct LookAhead {
  ImageId image;
  BlockRange range;
};

/// `solve` it, on a worker, and give the answer to `Scheduler::plan_made`.
struct MakePlan {
  ImageId image;
  std::shared_ptr<const PlanRequest> request;
};

using Command = std::variant<SendNodes, SendBlocks, AskHave, RaiseFetch, CancelFetch, CompleteRead,
                             FailRead, LookAhead, MakePlan>;

}  // namespace weft::fetcher
