// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <span>
#include <vector>

namespace weft::fetcher {

/// A peer that holds all the blocks in question, and its link as known now.
struct SourceState {
  PeerId peer{};
  double bytes_per_second = 0;  ///< on the wire, > 0
  Duration round_trip{0};
  double queued_bytes = 0;          ///< on the wire, to arrive before a demand read asked for now
  double wire_bytes_per_block = 0;  ///< after compression, > 0
};

/// `blocks` of what was asked for, consecutive, from `peer`. Shares follow each other in order.
struct SourceShare {
  PeerId peer{};
  BlockCount blocks;
  friend bool operator==(const SourceShare&, const SourceShare&) = default;
};

/// Which holder is asked for a run of blocks that somebody waits for. Pure. An exact planner takes
/// this place, and that of `PrefetchOrder` for what nobody waits for yet.
class SourceChoice {
 public:
  virtual ~SourceChoice() = default;
  /// `holders` is not empty and `blocks` > 0. The shares add up to `blocks`; none is empty.
  [[nodiscard]] virtual std::vector<SourceShare> choose(std::span<const SourceState> holders,
                                                        BlockCount blocks) const = 0;
};

/// Expected completion at a source = round trip + (queued + asked bytes) / rate. One source, the
/// one with the lowest, unless sharing the run among several ends at least a tenth earlier.
///
/// Rationale: a share costs a request and breaks a batch, so small reads are never shared.
class LowestCompletionTime final : public SourceChoice {
 public:
  [[nodiscard]] std::vector<SourceShare> choose(std::span<const SourceState> holders,
                                                BlockCount blocks) const override;
};

/// Seconds until `blocks` asked for now have arrived from `source`.
[[nodiscard]] double expected_completion(const SourceState& source, double blocks);

}  // namespace weft::fetcher
