// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <cstdint>
#include <vector>

namespace weft::fetcher::plan {

/// Shares are whole bytes: a source gets up to so many more or fewer of a tier than is best.
inline constexpr double rounding_bytes = 8;

/// So many bytes of a class come from a source.
struct Share {
  ClassIndex transfer_class = 0;
  SourceIndex source = 0;
  std::uint64_t bytes = 0;
};

/// Proof that a tier cannot be here earlier. The bytes of `classes` can come only from their
/// holders; until `at_least`, these can send no more than `bytes` in all, each at its own rate
/// after its delay, together at most what their sites' uplinks and the ingress let through. A class
/// of a tier before `tier` counts sources only until that tier is `fastest`. Anybody can check it
/// with a sum (`proven_bytes` in check.h).
struct Bound {
  double at_least = 0;
  Tier tier = 1;  ///< whose time is bounded: an earlier one, if the tier is done when that is
  std::uint64_t bytes = 0;
  std::vector<ClassIndex> classes;  ///< ascending
  std::vector<SourceIndex>
      sources;                   ///< holders of `classes` that send at their full rate, ascending
  std::vector<SiteIndex> sites;  ///< whose uplink is full instead, ascending
  bool ingress = false;          ///< what this node can take in is full instead
};

struct TierPlan {
  Tier tier = 1;
  std::uint64_t bytes = 0;
  double finish = 0;  ///< predicted: when the last byte of this and earlier tiers is here
  /// When that could be if money did not matter and earlier tiers were as fast as can be.
  double fastest = 0;
  Bound bound;  ///< proves `fastest`. With a budget, `finish` shows what it costs in time
};

/// A stretch of time in which a source sends evenly.
struct Segment {
  double begin = 0;
  double end = 0;
  double bytes = 0;
};

struct SourceTier {
  Tier tier = 1;
  std::uint64_t bytes = 0;
  double finish = 0;
};

struct SourcePlan {
  std::uint64_t bytes = 0;
  double finish = 0;  ///< 0 for a source that is not used
  double cost = 0;
  std::vector<SourceTier> tiers;  ///< ascending, only those with bytes
  /// When it sends, ascending, not overlapping. Behind an uplink or ingress that is full, slower
  /// than its rate: a scheduler that keeps to it leaves others their part.
  std::vector<Segment> segments;

  /// When the first `first` of its bytes are here. Clamped to its last segment.
  [[nodiscard]] double time_of(double first) const;
};

/// For every missing byte: from where, and when. Shares of a class add up to its bytes.
struct Plan {
  std::vector<Share> shares;        ///< by class, then source; none of 0 bytes
  std::vector<TierPlan> tiers;      ///< ascending; only tiers with bytes that somebody holds
  std::vector<SourcePlan> sources;  ///< as in the problem
  double cost = 0;
  /// The cost below which no plan exists, however slow.
  double least_cost = 0;
  std::vector<ClassIndex> unheld;  ///< with bytes, but without a holder that can be used
  std::uint64_t unheld_bytes = 0;
  /// Largest fastest/bound − 1: 0 up to 10^-9 unless classes had to be merged.
  double gap = 0;

  [[nodiscard]] double finish() const { return tiers.empty() ? 0 : tiers.back().finish; }
};

}  // namespace weft::fetcher::plan
