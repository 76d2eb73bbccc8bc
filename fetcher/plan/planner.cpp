// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/planner.h"

#include "fetcher/plan/assemble.h"
#include "fetcher/plan/links.h"
#include "fetcher/plan/model.h"
#include "fetcher/plan/plan_network.h"
#include "fetcher/plan/solver.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace weft::fetcher::plan {
namespace {

bool prices_differ(const Links& links) {
  double least = never;
  double most = 0;
  for (const Link& link : links.sources) {
    if (link.rate <= 0) continue;
    least = std::min(least, link.price);
    most = std::max(most, link.price);
  }
  return least < most;
}

std::string too_dear(double budget, double least) {
  char text[96];
  std::snprintf(text, sizeof text, "no plan costs %.6g or less: the cheapest costs %.6g", budget,
                least);
  return text;
}

// How much later than the fastest each tier may be.
std::vector<double> with_slack(const std::vector<TierTime>& times, const Goal& goal) {
  const double slack =
      goal.kind == Goal::Kind::cheapest && goal.slack > 0 ? std::min(goal.slack, 1e9) : 0;
  std::vector<double> finish;
  for (const TierTime& time : times)
    finish.push_back(time.finish * (1 + slack));
  return finish;
}

// Whole bytes must not break the budget either.
double without_rounding(const Model& model, double budget, double least) {
  double bytes = 0;
  for (const Link& link : model.links.sources)
    if (link.rate > 0) bytes += rounding_bytes * link.price;
  return std::max(budget - bytes * static_cast<double>(model.tiers.size()), least);
}

}  // namespace

double least_cost(const Problem& problem) {
  const Links links = clean_links(problem);
  double cost = 0;
  for (const TransferClass& c : problem.classes) {
    double least = never;
    for (const SourceIndex p : problem.holder_sets[c.holders])
      if (links.usable(p)) least = std::min(least, links.sources[p].price);
    if (least < never) cost += static_cast<double>(c.bytes) * least;
  }
  return cost;
}

Result<Plan> make_plan(const Problem& problem, const Goal& goal, const PlannerLimits& limits) {
  WEFT_CHECK(check_problem(problem));
  const Model model = make_model(problem, limits);
  Plan plan = empty_plan(problem, model.links);
  const double least = plan.least_cost;
  const bool budgeted = goal.kind == Goal::Kind::within_budget;
  if (budgeted && !(goal.budget >= least * (1 - 1e-12)))
    return fail(Errc::over_budget, Operation::fetch, too_dear(goal.budget, least));
  PlanNetwork network(model);
  const std::vector<TierTime> times = solve_time(model, network);
  if (prices_differ(model.links)) solve_money(network, with_slack(times, goal));
  take_shares(problem, model, network, plan);
  take_bounds(problem, model, times, plan);
  take_times(problem, model.links, network.slot_flows(), plan);
  if (!budgeted || plan.cost <= goal.budget) return plan;
  PlanNetwork affordable(model);
  solve_budget(model, affordable, without_rounding(model, goal.budget, least));
  plan.shares.clear();
  plan.sources.assign(problem.sources.size(), {});
  plan.cost = 0;
  take_shares(problem, model, affordable, plan);
  take_times(problem, model.links, affordable.slot_flows(), plan);
  return plan;
}

}  // namespace weft::fetcher::plan
