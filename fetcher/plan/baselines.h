// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/plan.h"
#include "fetcher/plan/problem.h"

#include <cstdint>

/// What other systems do, as plans of the same form, to be compared with. Their bounds are empty.
/// The problem must be one that `make_plan` accepts.
namespace weft::fetcher::plan {

/// Every class whole from its holder with the least delay (of equals, the fastest).
[[nodiscard]] Plan nearest_plan(const Problem& problem);

/// Every megabyte from any of its holders.
[[nodiscard]] Plan random_plan(const Problem& problem, std::uint64_t seed);

/// Every source, whenever it is idle, takes the next megabyte of what it holds that fewest hold,
/// earlier tiers first (BitTorrent's rule, and kind to it: it knows the tiers).
[[nodiscard]] Plan rarest_first_plan(const Problem& problem);

}  // namespace weft::fetcher::plan
