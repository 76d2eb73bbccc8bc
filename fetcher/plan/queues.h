// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/class_table.h"
#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"

#include <cstdint>
#include <span>
#include <vector>

namespace weft::fetcher::plan {

/// Blocks that a class's sources take in turn: one wire batch.
inline constexpr std::uint64_t batch_blocks = 32;

struct QueueEntry {
  BlockRange blocks;
  Tier tier = 1;
  double finish = 0;  ///< predicted, of its last block
};

/// Per source (as in the problem) what to ask it for, in this order. Every block of a class that
/// somebody holds is in exactly one queue; blocks nobody holds are in none.
using Queues = std::vector<std::vector<QueueEntry>>;

/// Divides `order` (`ClassTable::order`, by fetch order) among the sources as `plan` shares the
/// classes. The sources of a class take batches in turn, weighted by their shares, so that each has
/// early-needed blocks first. `plan` must be for `problem`, and `order` name its classes. O(runs +
/// blocks / batch × sources that share the class).
[[nodiscard]] Queues make_queues(const Problem& problem, const Plan& plan,
                                 std::span<const Run> order);

}  // namespace weft::fetcher::plan
