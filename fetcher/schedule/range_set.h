// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// A set of blocks as ordered, disjoint, maximal runs: small for what is contiguous, whatever the
/// size of the image. Value type. Operations cost O(log runs + runs touched).
class RangeSet {
 public:
  RangeSet() = default;
  explicit RangeSet(const std::vector<BlockRange>& ranges);

  void add(BlockRange range);
  void add(const RangeSet& other);
  void remove(BlockRange range);
  void remove(const RangeSet& other);
  void clear();

  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] BlockCount count() const { return BlockCount(count_); }
  /// Runs, not blocks.
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }
  [[nodiscard]] bool contains(BlockIndex block) const;
  /// Every block of `range` is in the set (true for an empty range).
  [[nodiscard]] bool covers(BlockRange range) const;
  [[nodiscard]] bool overlaps(BlockRange range) const;
  /// First block in the set. The set must not be empty.
  [[nodiscard]] BlockIndex first() const;
  /// Last block in the set. The set must not be empty.
  [[nodiscard]] BlockIndex last() const;
  /// First run that meets `range`, clipped to it.
  [[nodiscard]] std::optional<BlockRange> first_within(BlockRange range) const;
  /// First part of `range` that is not in the set.
  [[nodiscard]] std::optional<BlockRange> first_gap(BlockRange range) const;
  /// The runs that meet `range`, clipped to it, ascending.
  [[nodiscard]] std::vector<BlockRange> within(BlockRange range) const;
  /// The parts of `range` that are not in the set, ascending.
  [[nodiscard]] std::vector<BlockRange> gaps(BlockRange range) const;
  [[nodiscard]] std::vector<BlockRange> ranges() const;
  /// Calls `visit(BlockRange) -> bool` for each run, ascending, until it returns false.
  template <class Visit>
  void visit(Visit&& visit) const {
    for (const auto& [first, end] : runs_) {
      if (!visit(BlockRange::between(BlockIndex(first), BlockIndex(end)))) return;
    }
  }
  /// Calls `visit(BlockRange) -> bool` for the runs of `range` that are in both sets, ascending,
  /// until it returns false.
  template <class Visit>
  static void meet(const RangeSet& a, const RangeSet& b, BlockRange range, Visit&& visit) {
    const std::uint64_t end = range.end().value();
    std::uint64_t at = range.first.value();
    auto in_a = a.find(at);
    auto in_b = b.find(at);
    while (at < end && in_a != a.runs_.end() && in_b != b.runs_.end()) {
      const std::uint64_t first = std::max({at, in_a->first, in_b->first});
      const std::uint64_t last = std::min({end, in_a->second, in_b->second});
      if (first < last && !visit(BlockRange::between(BlockIndex(first), BlockIndex(last)))) return;
      at = std::max(at, std::min(in_a->second, in_b->second));
      if (in_a->second <= at) ++in_a;
      if (in_b != b.runs_.end() && in_b->second <= at) ++in_b;
    }
  }

  /// Runs are not empty, ascending, do not touch, and add up to `count()`.
  void check_invariants() const;

  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  using Runs = std::map<std::uint64_t, std::uint64_t>;  // first → end
  /// First run that ends after `block`.
  [[nodiscard]] Runs::const_iterator find(std::uint64_t block) const;

  Runs runs_;
  std::uint64_t count_ = 0;
};

[[nodiscard]] RangeSet intersect(const RangeSet& a, const RangeSet& b);

}  // namespace weft::fetcher
