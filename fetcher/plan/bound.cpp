// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/bound.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft::fetcher::plan {

std::vector<double> until_of(const Problem& problem, const Plan& plan, const Bound& bound) {
  std::array<double, max_tiers + 1> last{};
  for (const TierPlan& tier : plan.tiers)
    if (tier.tier < bound.tier) last[tier.tier] = tier.fastest;
  last[bound.tier] = never;
  // Later tiers count sources for longer: from the last one on, until every source is met.
  std::vector<double> until(problem.sources.size(), 0);
  std::size_t met = 0;
  for (Tier tier = bound.tier; tier >= 1 && met < until.size(); --tier) {
    for (const ClassIndex index : bound.classes) {
      const TransferClass& c = problem.classes[index];
      if (c.tier != tier) continue;
      for (const SourceIndex p : problem.holder_sets[c.holders])
        if (until[p] == 0) until[p] = last[tier], ++met;
      if (met == until.size()) break;
    }
  }
  return until;
}

void complete_bound(const Problem& problem, const Plan& plan, Bound& bound) {
  const Links links = clean_links(problem);
  const std::vector<double> until = until_of(problem, plan, bound);
  bound.bytes = 0;
  for (const ClassIndex c : bound.classes)
    bound.bytes += problem.classes[c].bytes;
  bound.at_least = time_to_carry(links, until, static_cast<double>(bound.bytes));
  Bottleneck full = bottleneck(links, until, bound.at_least);
  bound.sources = std::move(full.sources);
  bound.sites = std::move(full.sites);
  bound.ingress = full.ingress;
}

}  // namespace weft::fetcher::plan
