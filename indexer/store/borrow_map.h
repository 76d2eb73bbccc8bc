// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/tree/tree_shape.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weft {

class LenderSlot;

/// Where borrowed blocks of one image lie in the packs of others. Pure, in memory.
///
/// Only says where a block would be; whether it is borrowed is a bit in ResidencyMap::borrowed.
/// Runs are kept per leaf of the tree (128 blocks), for a tree node is what brings them. `find` is
/// wait-free from any thread; `add` may be called by one thread at a time. A leaf's runs are
/// immutable once published: `add` replaces them, and those replaced live as long as the map, so
/// that no reader can hold a stale pointer. Leaves change at most a few times.
class BorrowMap {
 public:
  struct Run {
    BlockRange blocks;
    LenderSlot* lender;  ///< outlives the map
    BlockIndex source;   ///< of blocks.first in the lender
    friend bool operator==(const Run&, const Run&) = default;
  };

  explicit BorrowMap(BlockCount blocks);
  ~BorrowMap();
  BorrowMap(const BorrowMap&) = delete;
  BorrowMap& operator=(const BorrowMap&) = delete;

  /// The part of a run from `block` on.
  [[nodiscard]] std::optional<Run> find(BlockIndex block) const noexcept;
  /// Later runs replace earlier ones. A run may span leaves. Give many at once: each call makes a
  /// new list for every leaf it touches.
  void add(std::span<const Run> runs);
  /// All runs of the leaves that `range` touches, in order.
  [[nodiscard]] std::vector<Run> runs(BlockRange range) const;

 private:
  static constexpr std::uint64_t leaves_per_group = 256;
  using LeafRuns = std::vector<Run>;
  using Group = std::array<std::atomic<const LeafRuns*>, leaves_per_group>;

  [[nodiscard]] const LeafRuns* leaf_runs(std::uint64_t leaf) const noexcept;
  void add_to_leaf(std::uint64_t leaf, std::span<const Run> runs);

  const std::uint64_t groups_count_;
  std::unique_ptr<std::atomic<Group*>[]> groups_;
  std::vector<std::unique_ptr<const LeafRuns>> owned_;  // by the adding thread only
};

}  // namespace weft
