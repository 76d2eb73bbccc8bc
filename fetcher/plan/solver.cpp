// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/solver.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weft::fetcher::plan {
namespace {

/// Progress of T below which the rest is rounding, and the room that every tier gets for it.
constexpr double rounding = 1e-12;

// The root of cap(X, T) = w(X). `never` if later tiers' classes are not in the cut: then what is
// left over is rounding.
double root_of_cut(const Model& model, const PlanNetwork& network, std::size_t tier,
                   const std::vector<std::uint32_t>& cut) {
  std::vector<double> until(model.links.sources.size(), 0);
  double bytes = 0;
  for (const std::uint32_t c : cut) {
    const double last = model.tier[c] == tier ? never : network.finish(model.tier[c]);
    for (const SourceIndex p : model.holders(c))
      until[p] = std::max(until[p], last);
    bytes += model.bytes[c];
  }
  return time_to_carry(model.links, until, bytes);
}

std::vector<std::uint32_t> all_up_to(const Model& model, std::size_t tier) {
  std::vector<std::uint32_t> all;
  for (std::size_t c = 0; c < model.size(); ++c)
    if (model.tier[c] <= tier) all.push_back(static_cast<std::uint32_t>(c));
  return all;
}

// Discrete Newton from below: to the root of the cut that is in the way, until none is.
TierTime solve_tier(const Model& model, PlanNetwork& network, std::size_t tier) {
  network.want(tier);
  TierTime best;
  best.finish = tier == 0 ? 0 : network.finish(tier - 1);
  std::vector<std::uint32_t> cut = all_up_to(model, tier);
  while (!cut.empty()) {
    const double root = root_of_cut(model, network, tier, cut);
    const bool later = root > best.finish * (1 + rounding) && root < never;
    if (later) best = {root, std::move(cut)};
    // The first cut is a guess, so that a root which is too early proves nothing.
    const bool guess = network.finish(tier) == 0;
    if (!later && !guess) break;
    network.set_finish(tier, best.finish * (1 + rounding));
    cut = network.carry();
  }
  best.finish = network.finish(tier);
  return best;
}

}  // namespace

std::vector<TierTime> solve_time(const Model& model, PlanNetwork& network) {
  std::vector<TierTime> times;
  for (std::size_t tier = 0; tier < model.tiers.size(); ++tier)
    times.push_back(solve_tier(model, network, tier));
  return times;
}

void solve_money(PlanNetwork& network, const std::vector<double>& finish) {
  network.reset(finish);
  network.carry_cheaply();
}

void solve_budget(const Model& model, PlanNetwork& network, double budget) {
  // What later tiers cost at least is not to be spent on this one.
  std::vector<double> cheapest(model.tiers.size(), 0);
  for (std::size_t c = 0; c < model.size(); ++c)
    cheapest[model.tier[c]] += model.cheapest(c) * model.bytes[c];
  for (std::size_t tier = 0; tier < model.tiers.size(); ++tier) {
    const auto rest = cheapest.begin() + static_cast<std::ptrdiff_t>(tier) + 1;
    const double room = budget * (1 + static_cast<double>(tier + 1) * rounding) -
                        std::accumulate(rest, cheapest.end(), 0.0);
    double finish = solve_tier(model, network, tier).finish;
    while (network.carry_cheaply() > room) {
      const double next = network.time_to_afford(tier, room);
      if (!(next > finish * (1 + rounding)) || next == never) break;
      finish = next;
      network.set_finish(tier, finish * (1 + rounding));
    }
  }
}

}  // namespace weft::fetcher::plan
