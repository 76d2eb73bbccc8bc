// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "indexer/core/range.h"

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace weft::fetcher::plan {

/// Blocks of one class that follow each other in the image.
struct Run {
  BlockRange blocks;
  ClassIndex transfer_class = 0;
};

/// Groups missing blocks into classes. Add them in the order in which they shall be fetched: by
/// tier, within a tier by boot profile, then by image order. Then give `problem` its sources and
/// sites, make a plan, and divide `order()` into queues.
class ClassTable {
 public:
  /// `bytes`: what these blocks take on the wire. `holders` in any order. Amortised O(holders).
  void add(BlockRange blocks, Tier tier, std::span<const SourceIndex> holders, std::uint64_t bytes);

  /// Moves the classes and holder sets out. Only `order()` may be called afterwards.
  void move_into(Problem& problem);
  /// What was added, in that order; runs that touch and have one class are one.
  [[nodiscard]] const std::vector<Run>& order() const { return order_; }

 private:
  HolderSetIndex intern(std::span<const SourceIndex> holders);

  HolderSets sets_;
  std::vector<TransferClass> classes_;
  std::unordered_map<std::uint64_t, HolderSetIndex> sets_by_hash_;  // collisions: the next hash
  std::unordered_map<std::uint64_t, ClassIndex> classes_by_key_;    // holder set and tier
  std::vector<Run> order_;
  std::vector<SourceIndex> sorted_;  // scratch
};

}  // namespace weft::fetcher::plan
