// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"

#include <string>
#include <vector>

/// Checks a plan from its definition, without any solver: for tests, the simulator and debugging.
namespace weft::fetcher::plan {

/// What is wrong with `plan` for `problem`, one line each; empty when all of it holds: shares go to
/// holders and add up to their classes; no source, uplink or ingress carries more than it can at
/// any time, none before its delay; finishes and costs are what the shares make them.
[[nodiscard]] std::vector<std::string> check_plan(const Problem& problem, const Plan& plan);

/// The most bytes of the classes of `bound`, of tier number `tier` in `plan.tiers`, that can be
/// here by `time`. Where this is less than their bytes, the tier cannot be finished at `time`.
[[nodiscard]] double proven_bytes(const Problem& problem, const Plan& plan, std::size_t tier,
                                  double time);

}  // namespace weft::fetcher::plan
