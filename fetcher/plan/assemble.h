// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/model.h"
#include "fetcher/plan/plan.h"
#include "fetcher/plan/plan_network.h"
#include "fetcher/plan/problem.h"
#include "fetcher/plan/solver.h"

#include <vector>

/// From a flow in the model to a plan in the problem's terms: whole bytes, classes as the problem
/// has them, times of every source, proofs.
namespace weft::fetcher::plan {

/// What is so whatever the shares are: tiers, the least cost, what nobody holds.
[[nodiscard]] Plan empty_plan(const Problem& problem, const Links& links);

/// Shares in whole bytes: each class adds up, each source is off by a few bytes at most.
void take_shares(const Problem& problem, const Model& model, const PlanNetwork& network,
                 Plan& plan);

/// Bytes, cost and finish of every source and tier. `flows`: what shared sources send when; others
/// send at their rate from their delay on.
void take_times(const Problem& problem, const Links& links, std::vector<SlotFlow> flows,
                Plan& plan);

/// The bounds of `plan.tiers`, computed in the problem's own terms from the model's cuts.
void take_bounds(const Problem& problem, const Model& model, const std::vector<TierTime>& times,
                 Plan& plan);

}  // namespace weft::fetcher::plan
