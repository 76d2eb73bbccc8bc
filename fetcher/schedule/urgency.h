// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "fetcher/schedule/range_map.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Tiers of a plan. What people see are three *stages*: what the boot needs until the guest is
/// ready, what some boots or the first minutes after touch, and the rest. The first is divided by
/// deadline.
inline constexpr plan::Tier boot_tiers = 12;  ///< 1 … 12: the first stage
inline constexpr plan::Tier soon_tier = boot_tiers + 1;
inline constexpr plan::Tier last_tier = soon_tier + 1;

[[nodiscard]] constexpr plan::Tier stage_of(plan::Tier tier) {
  return tier <= boot_tiers ? plan::Tier{1} : tier == soon_tier ? plan::Tier{2} : plan::Tier{3};
}

/// What of one image is needed before the rest, and in which order. Pure, a value type.
///
/// An ordered list of *slices*: blocks that are needed at about the same time, each of a planner's
/// tier. Slices are finer than tiers, since every tier costs the planner a solution; within a slice
/// blocks go in image order, which makes for few runs and good compression. A block that is here
/// leaves its slice: what is lost and wanted again is not urgent.
class Urgency {
 public:
  struct Slice {
    plan::Tier tier = last_tier;  ///< not below that of the slice before
    std::vector<BlockRange> blocks;
  };
  Urgency() = default;
  /// A block that is in several slices counts for the first.
  explicit Urgency(std::span<const Slice> slices);

  /// It is here.
  void landed(BlockRange range);
  [[nodiscard]] bool empty() const { return of_.empty(); }
  /// Some of it is in a slice.
  [[nodiscard]] bool foresees(BlockRange range) const;
  [[nodiscard]] BlockCount count() const { return of_.count(); }

  /// Calls `visit(plan::Tier, const RangeSet&) -> bool` with what each slice has in common with
  /// `wanted`, in order, none empty, until it returns false.
  template <class Visit>
  void visit(const RangeSet& wanted, Visit&& visit) const {
    if (wanted.empty()) return;
    for (const Part& part : parts_) {
      const RangeSet common = part.common(wanted);
      if (!common.empty() && !visit(part.tier, common)) return;
    }
  }

 private:
  struct Part {
    plan::Tier tier;
    RangeSet blocks;
    /// By the slice's runs, which are few: what is wanted may be a whole image in many.
    [[nodiscard]] RangeSet common(const RangeSet& wanted) const;
  };
  std::vector<Part> parts_;
  RangeMap<std::uint32_t> of_;  // in which part
};

}  // namespace weft::fetcher
