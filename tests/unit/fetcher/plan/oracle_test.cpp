// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/check.h"
#include "fetcher/plan/planner.h"
#include "tests/unit/fetcher/plan/lp_oracle.h"
#include "tests/unit/fetcher/plan/random_problem.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace weft::fetcher::plan {
namespace {

constexpr double tolerance = 1e-6;
constexpr double breath = 1e-9;  // room for the oracle's own rounding

testing::AssertionResult near(double planned, double oracle) {
  const double slack = tolerance * std::max(std::abs(planned), std::abs(oracle)) + 1e-12;
  if (std::abs(planned - oracle) <= slack) return testing::AssertionSuccess();
  return testing::AssertionFailure() << planned << " instead of " << oracle;
}

Tier last_tier(const Plan& plan) {
  return plan.tiers.empty() ? Tier{0} : plan.tiers.back().tier;
}

// By tier 1, 2, …, those without bytes too, from `value` of each tier of the plan.
template <class Value>
std::vector<double> by_tier(const Plan& plan, Value value) {
  std::vector<double> times(last_tier(plan), 0);
  for (const TierPlan& tier : plan.tiers)
    times[tier.tier - 1U] = value(tier);
  for (std::size_t i = 1; i < times.size(); ++i)
    times[i] = std::max(times[i], times[i - 1]);
  return times;
}

void expect_sound(const Problem& problem, const Plan& plan) {
  for (const std::string& wrong : check_plan(problem, plan))
    ADD_FAILURE() << wrong;
}

void expect_proven(const Problem& problem, const Plan& plan) {
  for (std::size_t i = 0; i < plan.tiers.size(); ++i) {
    const Bound& bound = plan.tiers[i].bound;
    std::uint64_t bytes = 0;
    for (const ClassIndex c : bound.classes) {
      EXPECT_LE(problem.classes[c].tier, bound.tier);
      bytes += problem.classes[c].bytes;
    }
    EXPECT_EQ(bytes, bound.bytes);
    EXPECT_LT(proven_bytes(problem, plan, i, bound.at_least * (1 - tolerance)),
              static_cast<double>(bytes));
    EXPECT_NEAR(plan.tiers[i].fastest / bound.at_least, 1, 1e-9);
    EXPECT_LE(plan.tiers[i].fastest, plan.tiers[i].finish * (1 + tolerance));
  }
}

// Each tier's time against the oracle's, given the times of the tiers before.
void expect_earliest(const Problem& problem, const std::vector<double>& times) {
  std::vector<double> before;
  for (Tier tier = 1; tier <= times.size(); ++tier) {
    const double time = times[tier - 1U];
    const auto oracle = oracle_finish(problem, tier, before, std::nullopt, time);
    ASSERT_TRUE(oracle) << "tier " << int{tier};
    EXPECT_TRUE(near(time, *oracle)) << "tier " << int{tier};
    before.push_back(time * (1 + breath));
  }
}

// What all bytes cost at the dearest source: what the rounding of costs is measured by.
double gross(const Problem& problem) {
  double most = 0;
  double bytes = 0;
  for (const Source& source : problem.sources)
    most = std::max(most, source.price / (1 << 30));
  for (const TransferClass& c : problem.classes)
    bytes += static_cast<double>(c.bytes);
  return most * bytes;
}

// As before, with a budget. Where a hair of money changes the time by more than the tolerance, the
// time is between those for a hair more and a hair less.
void expect_earliest_within(const Problem& problem, const std::vector<double>& times,
                            double budget) {
  const double hair = 1e-8 * gross(problem);
  std::vector<double> before;
  for (Tier tier = 1; tier <= times.size(); ++tier) {
    const double time = times[tier - 1U];
    const auto least = oracle_finish(problem, tier, before, budget + hair, time);
    ASSERT_TRUE(least) << "tier " << int{tier};
    if (!near(time, *least)) {
      EXPECT_GE(time, *least) << "tier " << int{tier};
      const auto most = oracle_finish(problem, tier, before, budget - hair, time);
      if (most) EXPECT_LE(time, *most * (1 + tolerance)) << "tier " << int{tier};
    }
    before.push_back(time * (1 + breath));
  }
}

void expect_cheapest(const Problem& problem, const Plan& plan, double slack) {
  const auto limits = by_tier(
      plan, [&](const TierPlan& tier) { return tier.fastest * (1 + slack) * (1 + breath); });
  const auto oracle = oracle_cost(problem, limits);
  ASSERT_TRUE(oracle);
  EXPECT_NEAR(plan.cost, *oracle, tolerance * *oracle + 1e-8 * gross(problem));
  for (const TierPlan& tier : plan.tiers)
    EXPECT_LE(tier.finish, limits[tier.tier - 1U] * (1 + tolerance));
}

class PlannerOracle : public testing::TestWithParam<int> {};

constexpr std::uint64_t instances = 1250;  // for each of 8 parameters

TEST_P(PlannerOracle, plans_are_as_fast_and_as_cheap_as_linear_programs_say) {
  for (std::uint64_t i = 0; i < instances; ++i) {
    const std::uint64_t seed = static_cast<std::uint64_t>(GetParam()) * instances + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Problem problem = random_problem(seed);
    const auto fastest = make_plan(problem, Goal::fastest());
    ASSERT_TRUE(fastest) << fastest.error().message();
    expect_sound(problem, *fastest);
    expect_proven(problem, *fastest);
    const auto times = by_tier(*fastest, [](const TierPlan& tier) { return tier.fastest; });
    expect_earliest(problem, times);
    expect_cheapest(problem, *fastest, 0);

    const double slack = 0.01 * static_cast<double>(seed % 50);
    const auto cheap = make_plan(problem, Goal::cheapest(slack));
    ASSERT_TRUE(cheap);
    expect_sound(problem, *cheap);
    expect_cheapest(problem, *cheap, slack);

    const double part = static_cast<double>(1 + seed % 9) / 10;
    const double budget = fastest->least_cost + part * (fastest->cost - fastest->least_cost);
    if (budget >= fastest->cost * (1 - 1e-4)) continue;  // the fastest, or nearly
    const auto affordable = make_plan(problem, Goal::within(budget));
    ASSERT_TRUE(affordable);
    expect_sound(problem, *affordable);
    EXPECT_LE(affordable->cost, budget);
    expect_earliest_within(
        problem, by_tier(*affordable, [](const TierPlan& tier) { return tier.finish; }), budget);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlannerOracle, testing::Range(0, 8));

}  // namespace
}  // namespace weft::fetcher::plan
