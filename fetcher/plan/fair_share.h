// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/links.h"
#include "fetcher/plan/plan_network.h"

#include <span>
#include <vector>

/// What becomes of links when nobody paces them: the sources behind a full uplink get equal parts,
/// as far as they can use them (max-min fairness, about what TCP does). Pure.
namespace weft::fetcher::plan {

/// The rate of every source while those that are `active` send.
[[nodiscard]] std::vector<double> fair_rates(const Links& links, const std::vector<bool>& active);

/// What each shared source sends when, each with `loads` bytes to send from its delay on. The
/// others are left out: nobody matters to them.
[[nodiscard]] std::vector<SlotFlow> share_fairly(const Links& links, std::span<const double> loads);

}  // namespace weft::fetcher::plan
