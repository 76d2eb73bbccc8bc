// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"

#include <cstdint>

namespace weft::fetcher::plan {

/// A small problem with everything that interacts: up to 8 sources, 3 sites, 12 classes, 4 tiers;
/// some uplinks and ingresses full, delays from none to longer than the transfer, few and many
/// prices, equal numbers. Every class has a holder. Equal seeds give equal problems.
[[nodiscard]] Problem random_problem(std::uint64_t seed);

}  // namespace weft::fetcher::plan
