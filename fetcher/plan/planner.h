// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"
#include "indexer/core/error.h"

#include <cstddef>

namespace weft::fetcher::plan {

struct PlannerLimits {
  /// Classes up to which a plan is exact. Of more, a sixteenth of this, the heaviest, stay as they
  /// are and the others are planned with two or three of their holders each; the bound stays true
  /// and `Plan::gap` says what that costs.
  std::size_t exact_classes = 16384;
  std::size_t exact_memberships = std::size_t{1} << 20;  ///< of all these classes together
  /// Different delays before which a shared uplink is divided exactly; more are rounded up.
  std::size_t exact_delays = 64;
};

/// The optimal plan. Pure and deterministic: equal problems give equal plans.
///
/// Errors: `bad_request` if indices are out of range, there are more than `max_sources` sources or
/// `max_plan_bytes` bytes; `over_budget`: no plan is within it (the detail says the least cost).
/// Numbers of links that make no sense are repaired as `Source` says; they are no error.
[[nodiscard]] Result<Plan> make_plan(const Problem& problem, const Goal& goal,
                                     const PlannerLimits& limits = {});

/// What all bytes that somebody holds cost from their cheapest holders.
[[nodiscard]] double least_cost(const Problem& problem);

}  // namespace weft::fetcher::plan
