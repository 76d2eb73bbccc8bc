// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/store/packed_run.h"
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
///
/// *Rationale:* an image of a TiB may be borrowed whole, in millions of runs: a run takes 8 bytes
/// and a leaf 16, and no list has an allocation of its own.
class BorrowMap {
 public:
  struct Run {
    BlockRange blocks;
    LenderSlot* lender;  ///< outlives the map
    BlockIndex source;   ///< of blocks.first in the lender
    friend bool operator==(const Run&, const Run&) = default;
  };
  static constexpr std::size_t max_lenders = LenderTable::capacity;

  explicit BorrowMap(BlockCount blocks);
  ~BorrowMap();
  BorrowMap(const BorrowMap&) = delete;
  BorrowMap& operator=(const BorrowMap&) = delete;

  /// The part of a run from `block` on.
  [[nodiscard]] std::optional<Run> find(BlockIndex block) const noexcept;
  /// Later runs replace earlier ones. A run may span leaves, and lies in the image and its source
  /// below max_image_size. Give many at once: each call makes a new list for every leaf it touches.
  /// A run of one lender more than max_lenders is left out: its blocks are found missing.
  void add(std::span<const Run> runs);
  /// All runs of the leaves that `range` touches, in order.
  [[nodiscard]] std::vector<Run> runs(BlockRange range) const;
  /// Memory taken, in bytes. By the adding thread.
  [[nodiscard]] std::size_t memory() const noexcept;

 private:
  static constexpr std::uint64_t leaves_per_group = 256;
  /// In a group, lists of runs: an entry whose bits count them, then the runs in order.
  using Group = std::array<std::atomic<const PackedRun*>, leaves_per_group>;
  struct Part {
    std::uint64_t leaf;
    PackedRun run;
    std::size_t order;  // of two runs for one block, the later one counts
  };

  [[nodiscard]] std::span<const PackedRun> leaf_runs(std::uint64_t leaf) const noexcept;
  [[nodiscard]] Run unpack(std::uint64_t leaf, PackedRun run) const noexcept;
  void add_parts(std::vector<Part>& parts);
  void publish(std::uint64_t leaf, std::span<const PackedRun> runs);

  const std::uint64_t groups_count_;
  std::unique_ptr<std::atomic<Group*>[]> groups_;
  LenderTable lenders_;  // an entry is written before a run that names it is published
  // By the adding thread only:
  RunArena arena_;
  std::size_t groups_made_ = 0;
};

}  // namespace weft
