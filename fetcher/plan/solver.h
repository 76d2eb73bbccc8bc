// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/model.h"
#include "fetcher/plan/plan_network.h"
#include "fetcher/plan/problem.h"

#include <cstdint>
#include <vector>

namespace weft::fetcher::plan {

/// When a tier can be here, and the classes that prove it.
struct TierTime {
  double finish = 0;
  /// Classes of the model behind the last minimum cut. Empty: the tier is done when the one before
  /// is.
  std::vector<std::uint32_t> cut;
};

/// Lexicographic minimum finish times. Afterwards the network carries such a plan.
[[nodiscard]] std::vector<TierTime> solve_time(const Model& model, PlanNetwork& network);

/// Gives every tier the time of `finish`; the network then carries the cheapest plan within them.
void solve_money(PlanNetwork& network, const std::vector<double>& finish);

/// Lexicographic minimum finish times among plans that cost at most `budget`, which the cheapest
/// plan must not exceed. Afterwards the network carries such a plan.
void solve_budget(const Model& model, PlanNetwork& network, double budget);

}  // namespace weft::fetcher::plan
