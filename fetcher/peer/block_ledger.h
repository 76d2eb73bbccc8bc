// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <span>
#include <vector>

namespace weft::fetcher {

/// What was asked of a peer in one blocks request, and which of it has been answered. Pure.
class BlockLedger {
 public:
  /// `asked` is disjoint and at most wire::max_blocks_requested blocks.
  explicit BlockLedger(std::span<const BlockRange> asked);

  /// Errc::peer_misbehaved: the batch names a block that was not asked for, or one that was
  /// answered before, or ends the answer while blocks are open.
  [[nodiscard]] Result<void> accept(const wire::BlockBatch& batch);
  [[nodiscard]] std::size_t open() const { return open_; }

 private:
  struct Run {
    BlockRange range;
    std::size_t position;  // of its first block in answered_
  };
  [[nodiscard]] Result<void> accept(BlockRange range);

  std::vector<Run> runs_;  // ascending
  std::vector<bool> answered_;
  std::size_t open_ = 0;
};

}  // namespace weft::fetcher
