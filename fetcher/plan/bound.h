// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/links.h"
#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"

#include <vector>

namespace weft::fetcher::plan {

/// Until when each source counts for the classes of `bound` (see `Bound`); 0: it holds none of
/// them.
[[nodiscard]] std::vector<double> until_of(const Problem& problem, const Plan& plan,
                                           const Bound& bound);

/// Fills in all of `bound` but its tier and classes. `plan.tiers` before its tier must have
/// `fastest`.
void complete_bound(const Problem& problem, const Plan& plan, Bound& bound);

}  // namespace weft::fetcher::plan
