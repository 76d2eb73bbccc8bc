// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/source_choice.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t smallest_share = 32;  // blocks: one batch
constexpr double worth_sharing = 0.9;

/// Blocks `source` can have delivered `seconds` from now.
double blocks_by(const SourceState& source, double seconds) {
  const double busy = to_seconds(source.round_trip) + source.queued_bytes / source.bytes_per_second;
  return std::max(0.0, seconds - busy) * source.bytes_per_second / source.wire_bytes_per_block;
}

/// Earliest time by which all sources together can deliver `blocks`: bisection, since the sum grows
/// with time. `latest` is a time that suffices.
double earliest_together(std::span<const SourceState> sources, double blocks, double latest) {
  double low = 0;
  double high = latest;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    double sum = 0;
    for (const SourceState& source : sources)
      sum += blocks_by(source, middle);
    (sum >= blocks ? high : low) = middle;
  }
  return high;
}

}  // namespace

double expected_completion(const SourceState& source, double blocks) {
  return to_seconds(source.round_trip) +
         (source.queued_bytes + blocks * source.wire_bytes_per_block) / source.bytes_per_second;
}

std::vector<SourceShare> LowestCompletionTime::choose(std::span<const SourceState> holders,
                                                      BlockCount blocks) const {
  WEFT_ASSERT(!holders.empty() && blocks.value() > 0, "nothing to choose");
  const auto wanted = static_cast<double>(blocks.value());
  const SourceState* best = nullptr;
  double best_time = std::numeric_limits<double>::infinity();
  for (const SourceState& source : holders) {
    if (const double time = expected_completion(source, wanted);
        best == nullptr || time < best_time) {
      best = &source;
      best_time = time;
    }
  }
  std::vector<SourceShare> alone{{best->peer, blocks}};
  if (holders.size() == 1 || blocks.value() < 2 * smallest_share) return alone;
  const double together = earliest_together(holders, wanted, best_time);
  if (together > worth_sharing * best_time) return alone;

  // Whole batches each; what rounding leaves goes to the best source.
  std::vector<SourceShare> shares;
  std::uint64_t given = 0;
  for (const SourceState& source : holders) {
    if (&source == best) continue;
    const auto could = static_cast<std::uint64_t>(blocks_by(source, together));
    const std::uint64_t share =
        std::min(could / smallest_share * smallest_share, blocks.value() - given);
    if (share == 0) continue;
    shares.push_back({source.peer, BlockCount(share)});
    given += share;
  }
  if (given < blocks.value()) {
    shares.insert(shares.begin(), {best->peer, BlockCount(blocks.value() - given)});
  }
  return shares;
}

}  // namespace weft::fetcher
