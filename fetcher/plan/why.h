// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"

#include <string>
#include <vector>

namespace weft::fetcher::plan {

/// One line per source, for people: why it is used as it is, or not at all. Such as
/// "fastest holder of 61 % of tier 1; 12 % only here", "not used: dearer, and not needed".
/// No line ends with a full stop or contains a line break.
[[nodiscard]] std::vector<std::string> why_sources(const Problem& problem, const Plan& plan);

/// One line per tier of the plan: what it waits for, from its bound. Such as
/// "600 MB are only at 2 sources, which send 50 MB/s together".
[[nodiscard]] std::vector<std::string> why_tiers(const Problem& problem, const Plan& plan);

}  // namespace weft::fetcher::plan
