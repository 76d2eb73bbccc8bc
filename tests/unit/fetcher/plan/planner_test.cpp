// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/planner.h"

#include "fetcher/plan/check.h"
#include "tests/unit/fetcher/plan/problem_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

namespace weft::fetcher::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Plan planned(const Problem& problem, const Goal& goal = Goal::fastest(),
             const PlannerLimits& limits = {}) {
  auto plan = make_plan(problem, goal, limits);
  EXPECT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(check_plan(problem, *plan), IsEmpty());
  return std::move(*plan);
}

TEST(Planner, everything_from_everybody_takes_the_sum_of_the_links) {
  ProblemBuilder b;
  b.source(10).source(20).source(50).source(100).held_by({0, 1, 2, 3}, 1800);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.finish(), 10, 1e-6);
  EXPECT_EQ(plan.sources[3].bytes, 1000 * mb);
}

TEST(Planner, a_slow_sole_holder_is_spared_everything_else) {
  ProblemBuilder b;
  b.source(1).source(10).held_by({0}, 10).held_by({0, 1}, 90);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.finish(), 10, 1e-6);
  EXPECT_EQ(plan.sources[0].bytes, 10 * mb);
  EXPECT_NEAR(plan.tiers[0].bound.at_least, 10, 1e-6);
}

TEST(Planner, the_bound_names_the_classes_and_sources_that_all_wait_for) {
  ProblemBuilder b;
  b.source(1).source(10).source(10).held_by({1, 2}, 10).held_by({0}, 30).held_by({0, 1}, 1);
  const Plan plan = planned(b.problem);
  const Bound& bound = plan.tiers[0].bound;
  EXPECT_THAT(bound.classes, ElementsAre(1));
  EXPECT_THAT(bound.sources, ElementsAre(0));
  EXPECT_NEAR(bound.at_least, 30, 1e-6);
  EXPECT_NEAR(proven_bytes(b.problem, plan, 0, 15), 15e6, 1);
}

TEST(Planner, an_earlier_tier_comes_first_although_the_whole_is_no_faster) {
  ProblemBuilder b;
  b.source(10).held_by({0}, 100, 2).held_by({0}, 10, 1);
  const Plan plan = planned(b.problem);
  ASSERT_EQ(plan.tiers.size(), 2U);
  EXPECT_NEAR(plan.tiers[0].finish, 1, 1e-6);
  EXPECT_NEAR(plan.tiers[1].finish, 11, 1e-6);
}

TEST(Planner, a_later_tier_uses_what_an_earlier_one_leaves_idle) {
  ProblemBuilder b;
  b.source(10).source(10).held_by({0}, 100, 1).held_by({1}, 90, 2);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.tiers[1].finish, 10, 1e-6);
  EXPECT_NEAR(plan.sources[1].finish, 9, 1e-6);
  EXPECT_EQ(plan.tiers[1].bound.tier, 1) << "tier 2 is here when tier 1 is";
}

TEST(Planner, a_far_source_is_used_for_what_comes_after_its_delay) {
  ProblemBuilder b;
  b.source(10, 0).source(10, 4).held_by({0, 1}, 100);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.finish(), 7, 1e-6);
  EXPECT_NEAR(plan.sources[1].segments.front().begin, 4, 1e-9);
}

TEST(Planner, a_shared_uplink_binds_its_sources_together) {
  ProblemBuilder b;
  b.source(10).at_site(10).source(10).at_last_site().source(5).held_by({0, 1, 2}, 150);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.finish(), 10, 1e-6);
  EXPECT_THAT(plan.tiers[0].bound.sites, ElementsAre(0));
  EXPECT_THAT(plan.tiers[0].bound.sources, ElementsAre(2));
}

TEST(Planner, an_uplink_that_idles_while_its_sources_are_far_is_lost) {
  ProblemBuilder b;  // 10 MB/s until 5 s, then 10 MB/s behind the uplink too
  b.source(10, 5).at_site(10).source(10, 5).at_last_site().held_by({0, 1}, 100);
  EXPECT_NEAR(planned(b.problem).finish(), 15, 1e-6);
}

TEST(Planner, what_this_node_takes_in_is_a_bound_too) {
  ProblemBuilder b;
  b.source(100).source(100).ingress(50).held_by({0}, 50).held_by({1}, 50);
  const Plan plan = planned(b.problem);
  EXPECT_NEAR(plan.finish(), 2, 1e-6);
  EXPECT_TRUE(plan.tiers[0].bound.ingress);
}

TEST(Planner, of_plans_that_are_equally_fast_the_cheapest_is_taken) {
  ProblemBuilder b;
  b.source(10).source(10, 0, 3).source(10, 0, 1).held_by({0}, 100).held_by({1, 2}, 50);
  const Plan plan = planned(b.problem);
  EXPECT_EQ(plan.sources[2].bytes, 50 * mb);
  EXPECT_NEAR(plan.cost, 50, 1e-6);
}

TEST(Planner, slack_is_spent_on_cheaper_sources) {
  ProblemBuilder b;
  b.source(10, 0, 1).source(10).held_by({0, 1}, 100);
  EXPECT_NEAR(planned(b.problem).cost, 50, 1e-4);
  const Plan plan = planned(b.problem, Goal::cheapest(0.2));
  EXPECT_NEAR(plan.finish(), 6, 1e-6);
  EXPECT_NEAR(plan.cost, 40, 1e-4);
  EXPECT_NEAR(plan.tiers[0].fastest, 5, 1e-6);
}

TEST(Planner, a_budget_is_spent_on_the_first_tier_first) {
  ProblemBuilder b;
  b.source(10, 0, 1).source(10).held_by({0, 1}, 40, 1).held_by({0, 1}, 100, 2);
  const Plan plan = planned(b.problem, Goal::within(20));
  EXPECT_NEAR(plan.tiers[0].finish, 2, 1e-5);
  EXPECT_NEAR(plan.tiers[1].finish, 12, 1e-4) << "all of it free";
  EXPECT_LE(plan.cost, 20);
}

TEST(Planner, a_budget_that_cannot_be_kept_is_refused_with_the_least_cost) {
  ProblemBuilder b;
  b.source(10, 0, 2).held_by({0}, 10);
  const auto plan = make_plan(b.problem, Goal::within(19));
  ASSERT_FALSE(plan);
  EXPECT_TRUE(plan.error().is(Errc::over_budget));
  EXPECT_THAT(plan.error().message(), HasSubstr("the cheapest costs 20"));
  EXPECT_TRUE(make_plan(b.problem, Goal::within(20.001)));
}

TEST(Planner, bytes_that_nobody_holds_are_listed_and_the_rest_is_planned) {
  ProblemBuilder b;
  b.source(10).source(0).held_by({}, 5).held_by({0}, 10).held_by({1}, 7).held_by({}, 0);
  const Plan plan = planned(b.problem);
  EXPECT_THAT(plan.unheld, ElementsAre(0, 2));
  EXPECT_EQ(plan.unheld_bytes, 12 * mb);
  EXPECT_NEAR(plan.finish(), 1, 1e-6);
}

TEST(Planner, nothing_missing_is_an_empty_plan) {
  const Plan plan = planned(ProblemBuilder().source(10).problem);
  EXPECT_TRUE(plan.tiers.empty() && plan.shares.empty());
  EXPECT_EQ(plan.finish(), 0);
}

TEST(Planner, classes_above_the_limit_are_merged_and_the_bound_stays_true) {
  ProblemBuilder b;
  for (int p = 0; p < 6; ++p)
    b.source(5 + p, 0, p % 2);
  for (std::uint64_t c = 1; c < 64; ++c) {
    std::vector<SourceIndex> holders;
    for (const SourceIndex p : each_source(6))
      if ((c >> p & 1) != 0) holders.push_back(p);
    b.problem.classes.push_back(
        {b.problem.holder_sets.add(holders), static_cast<Tier>(1 + c % 2), c * mb});
  }
  const Plan exact = planned(b.problem);
  const Plan merged = planned(b.problem, Goal::fastest(), {.exact_classes = 16});
  EXPECT_NEAR(exact.gap, 0, 1e-9);
  ASSERT_EQ(merged.tiers.size(), exact.tiers.size());
  EXPECT_LE(merged.tiers[0].bound.at_least, exact.tiers[0].fastest * (1 + 1e-9));
  EXPECT_GE(merged.tiers[0].fastest, exact.tiers[0].fastest * (1 - 1e-9));
  EXPECT_NEAR(merged.gap,
              std::max(merged.tiers[0].fastest / merged.tiers[0].bound.at_least,
                       merged.tiers[1].fastest / merged.tiers[1].bound.at_least) -
                  1,
              1e-12);
}

TEST(Planner, many_delays_behind_an_uplink_are_rounded_up_and_the_bound_is_not) {
  ProblemBuilder b;
  b.source(10, 1).at_site(20);
  for (int p = 1; p < 40; ++p)
    b.source(1, 1 + 0.05 * p).at_last_site();
  std::vector<SourceIndex> all;
  for (const SourceIndex p : each_source(40))
    all.push_back(p);
  b.problem.classes.push_back({b.problem.holder_sets.add(all), 1, 300 * mb});
  const Plan exact = planned(b.problem);
  const Plan rounded = planned(b.problem, Goal::fastest(), {.exact_delays = 4});
  EXPECT_NEAR(rounded.tiers[0].bound.at_least, exact.tiers[0].fastest, 1e-6);
  EXPECT_GT(rounded.gap, 0);
  EXPECT_LT(rounded.gap, 0.05);
}

TEST(Planner, problems_that_make_no_sense_are_refused) {
  ProblemBuilder tier;
  tier.source(1).held_by({0}, 1, max_tiers + 1);
  EXPECT_FALSE(make_plan(tier.problem, Goal::fastest()));
  ProblemBuilder holder;
  holder.source(1).held_by({1}, 1);
  EXPECT_FALSE(make_plan(holder.problem, Goal::fastest()));
  ProblemBuilder bytes;
  bytes.source(1).held_by({0}, max_plan_bytes / mb).held_by({0}, 1);
  EXPECT_FALSE(make_plan(bytes.problem, Goal::fastest()));
  ProblemBuilder site;
  site.source(1).held_by({0}, 1).problem.sources[0].site = 0;
  EXPECT_FALSE(make_plan(site.problem, Goal::fastest()));
}

}  // namespace
}  // namespace weft::fetcher::plan
