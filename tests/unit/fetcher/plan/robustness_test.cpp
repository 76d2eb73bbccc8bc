// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/baselines.h"
#include "fetcher/plan/check.h"
#include "fetcher/plan/planner.h"
#include "fetcher/plan/why.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

// Numbers from outside: links are measured, prices and caps typed, bytes told by peers.
namespace weft::fetcher::plan {
namespace {

constexpr double absurd[] = {0,
                             -0.0,
                             -5,
                             1e-300,
                             0.5,
                             1,
                             3.3,
                             1e6,
                             1e6,
                             1e9,
                             1e18,
                             1e300,
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::denorm_min()};
constexpr std::uint64_t sizes[] = {
    0, 1, 2, 5, 4096, 1'000'000, std::uint64_t{1} << 32, std::uint64_t{1} << 48};

Problem absurd_problem(std::mt19937_64& random) {
  const auto any = [&] { return absurd[random() % std::size(absurd)]; };
  Problem problem;
  problem.sites.resize(random() % 4);
  for (Site& site : problem.sites)
    site = {"s", any()};
  if (random() % 2 == 0) problem.ingress = any();
  problem.sources.resize(random() % 9);
  for (Source& source : problem.sources) {
    source = {.peer = {}, .rate = any(), .delay = any(), .price = any()};
    if (!problem.sites.empty() && random() % 2 == 0)
      source.site = static_cast<SiteIndex>(random() % problem.sites.size());
  }
  for (std::uint64_t c = random() % 13; c > 0; --c) {
    std::vector<SourceIndex> holders;
    for (const SourceIndex p : each_source(problem.sources.size()))
      if (random() % 2 == 0) holders.push_back(p);
    problem.classes.push_back({problem.holder_sets.add(holders),
                               static_cast<Tier>(1 + random() % max_tiers),
                               sizes[random() % std::size(sizes)]});
  }
  return problem;
}

void expect_finite(const Plan& plan) {
  EXPECT_TRUE(std::isfinite(plan.cost) && std::isfinite(plan.finish()) && std::isfinite(plan.gap));
  for (const SourcePlan& source : plan.sources)
    EXPECT_TRUE(std::isfinite(source.finish) && std::isfinite(source.cost));
  for (const TierPlan& tier : plan.tiers)
    EXPECT_TRUE(std::isfinite(tier.fastest) && std::isfinite(tier.bound.at_least));
}

void expect_sound(const Problem& problem, const Plan& plan) {
  expect_finite(plan);
  for (const std::string& wrong : check_plan(problem, plan))
    ADD_FAILURE() << wrong;
  for (const std::string& line : why_sources(problem, plan))
    EXPECT_FALSE(line.empty());
  EXPECT_EQ(why_tiers(problem, plan).size(), plan.tiers.size());
}

TEST(PlannerRobustness, absurd_numbers_give_sound_plans) {
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Problem problem = absurd_problem(random);
    const auto fastest = make_plan(problem, Goal::fastest());
    ASSERT_TRUE(fastest);
    expect_sound(problem, *fastest);
    for (const TierPlan& tier : fastest->tiers)
      EXPECT_LE(tier.bound.at_least, tier.fastest * (1 + 1e-9));
    const auto cheapest = make_plan(problem, Goal::cheapest(absurd[seed % std::size(absurd)]));
    ASSERT_TRUE(cheapest);
    expect_sound(problem, *cheapest);
    const auto affordable = make_plan(problem, Goal::within(absurd[random() % std::size(absurd)]));
    if (affordable) expect_sound(problem, *affordable);
    const auto small = make_plan(problem, Goal::within(fastest->least_cost * 1.01),
                                 {.exact_classes = 4, .exact_delays = 2});
    if (small) expect_sound(problem, *small);
    for (const Plan& plan :
         {nearest_plan(problem), random_plan(problem, seed), rarest_first_plan(problem)})
      expect_sound(problem, plan);
    if (HasFailure()) return;
  }
}

TEST(PlannerRobustness, a_hundred_thousand_classes_and_four_thousand_sources_are_planned) {
  std::mt19937_64 random(1);
  Problem problem;
  problem.sites.resize(64, {"s", 1e8});
  for (std::size_t p = 0; p < max_sources; ++p)
    problem.sources.push_back({.peer = {},
                               .rate = 1e6 + static_cast<double>(random() % 1000) * 1e5,
                               .delay = static_cast<double>(random() % 5000) / 1e4,
                               .price = static_cast<double>(random() % 3),
                               .site = static_cast<SiteIndex>(p % 64)});
  for (int c = 0; c < 100'000; ++c) {
    std::vector<SourceIndex> holders;
    for (int i = 0; i < 10; ++i)
      holders.push_back(static_cast<SourceIndex>(random() % max_sources));
    problem.classes.push_back({problem.holder_sets.add(holders),
                               static_cast<Tier>(1 + random() % 4), 1 + random() % 1'000'000});
  }
  const auto plan = make_plan(problem, Goal::cheapest(0.05));
  ASSERT_TRUE(plan);
  expect_finite(*plan);
  EXPECT_LT(plan->gap, 1);
}

}  // namespace
}  // namespace weft::fetcher::plan
