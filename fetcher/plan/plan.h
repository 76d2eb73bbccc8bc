// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <cstdint>
#include <vector>

namespace weft::fetcher::plan {

/// So many bytes of a class come from a source.
struct Share {
  ClassIndex transfer_class = 0;
  SourceIndex source = 0;
  std::uint64_t bytes = 0;
};

/// Proof that a tier cannot be here earlier. The bytes of `classes` can come only from their
/// holders; until `at_least`, these can send no more than `bytes` in all, each at its own rate
/// after its delay, together at most what their sites' uplinks and the ingress let through. A class
/// of an earlier tier counts sources only until that tier's finish in the plan. Anybody can check
/// it with a sum (`proven_bytes` in check.h).
struct Bound {
  double at_least = 0;
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
  double finish = 0;  ///< predicted: when the last byte of this tier is here
  /// What the tier must wait for when money does not matter and earlier tiers are as fast as can
  /// be. For a budget's plan too: so that what the budget costs in time is seen.
  Bound bound;
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

  /// When the first `bytes` of its bytes are here. Clamped to its last segment.
  [[nodiscard]] double time_of(double bytes) const;
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
  /// Largest finish/bound − 1 that comes from merging classes, not from money: 0 when the plan is
  /// exact (up to 10^-9).
  double gap = 0;

  [[nodiscard]] double finish() const { return tiers.empty() ? 0 : tiers.back().finish; }
};

}  // namespace weft::fetcher::plan
