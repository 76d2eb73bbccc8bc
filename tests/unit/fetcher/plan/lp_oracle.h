// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <optional>
#include <vector>

/// What a plan can reach, from linear programs in GLPK: written from the model alone, with
/// variables for every source, tier and stretch of time, and nothing of the planner's networks and
/// cuts. Slow.
namespace weft::fetcher::plan {

/// The least finish of `tier` when each tier before it is done by `before[tier - 1]`… and, with a
/// budget, the plan costs at most that, later tiers at their cheapest holders. Tiers are 1, 2, …;
/// one without bytes is done with the one before it. `hint`: where to look first; it does not
/// change the answer. nullopt: impossible.
[[nodiscard]] std::optional<double> oracle_finish(const Problem& problem, Tier tier,
                                                  const std::vector<double>& before,
                                                  std::optional<double> budget, double hint);

/// The least cost when each tier is done by `finish[tier - 1]`. nullopt: impossible.
[[nodiscard]] std::optional<double> oracle_cost(const Problem& problem,
                                                const std::vector<double>& finish);

}  // namespace weft::fetcher::plan
