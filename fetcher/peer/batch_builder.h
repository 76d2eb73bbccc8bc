// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/answer.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/range.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Collects the blocks of one batch, in the order in which they were asked for, and packs them in
/// the order the protocol wants. Pure.
class BatchBuilder {
 public:
  BatchBuilder();

  void add_zero(BlockRange blocks) { zero_.push_back(blocks); }
  void add_absent(BlockRange blocks) { absent_.push_back(blocks); }
  /// Room for `blocks` (at most `room()` of them), to be filled by the caller at once.
  [[nodiscard]] std::span<std::byte> add_data(BlockRange blocks);
  /// Takes back the last `add_data`, which could not be filled.
  void drop_data();
  [[nodiscard]] std::uint64_t room() const { return wire::blocks_per_batch - blocks_; }

  /// Packs with `level`, or more cheaply after a batch that did not compress.
  [[nodiscard]] AnswerPart finish(int level, bool last);

 private:
  struct Piece {
    BlockRange range;
    std::size_t offset;
  };
  [[nodiscard]] std::vector<std::byte> in_order();

  std::vector<std::byte> data_;
  std::vector<Piece> pieces_;
  std::uint64_t blocks_ = 0;
  std::vector<BlockRange> zero_;
  std::vector<BlockRange> absent_;
  bool incompressible_ = false;  // the batch before this one
};

/// Ascending, runs that touch joined. `ranges` are disjoint.
[[nodiscard]] std::vector<BlockRange> normalised(std::vector<BlockRange> ranges);

}  // namespace weft::fetcher
