// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/baselines.h"

#include "fetcher/plan/check.h"
#include "fetcher/plan/planner.h"
#include "tests/unit/fetcher/plan/problem_builder.h"
#include "tests/unit/fetcher/plan/random_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft::fetcher::plan {
namespace {

using testing::IsEmpty;

TEST(Baselines, nearest_takes_all_from_the_holder_with_the_least_delay) {
  ProblemBuilder b;
  b.source(1, 0.01).source(100, 0.05).held_by({0, 1}, 10).held_by({1}, 10);
  const Plan plan = nearest_plan(b.problem);
  EXPECT_EQ(plan.sources[0].bytes, 10 * mb);
  EXPECT_NEAR(plan.finish(), 10.01, 1e-6);
}

TEST(Baselines, random_gives_each_holder_about_the_same_whatever_its_rate) {
  ProblemBuilder b;
  b.source(1).source(100).held_by({0, 1}, 1000);
  const Plan plan = random_plan(b.problem, 7);
  EXPECT_NEAR(static_cast<double>(plan.sources[0].bytes), 500e6, 60e6);
}

TEST(Baselines, rarest_first_keeps_a_common_class_for_the_end) {
  ProblemBuilder b;  // the first source alone has the rare class, and takes it first
  b.source(10).source(10).held_by({0, 1}, 100).held_by({0}, 100);
  const Plan plan = rarest_first_plan(b.problem);
  EXPECT_EQ(plan.sources[0].bytes, 100 * mb);
  EXPECT_NEAR(plan.finish(), 10, 0.2);
}

TEST(Baselines, a_full_uplink_is_shared_equally) {
  ProblemBuilder b;
  b.source(100, 0.1).at_site(10).source(100, 0.1).at_last_site().held_by({0}, 10).held_by({1}, 30);
  const Plan plan = nearest_plan(b.problem);
  EXPECT_NEAR(plan.sources[0].finish, 2.1, 1e-6);
  EXPECT_NEAR(plan.sources[1].finish, 4.1, 1e-6);
}

TEST(Baselines, are_sound_and_never_faster_than_the_plan) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Problem problem = random_problem(seed);
    const auto best = make_plan(problem, Goal::fastest());
    ASSERT_TRUE(best);
    for (const Plan& plan :
         {nearest_plan(problem), random_plan(problem, seed), rarest_first_plan(problem)}) {
      EXPECT_THAT(check_plan(problem, plan), IsEmpty());
      EXPECT_GE(plan.tiers.front().finish, best->tiers.front().finish * (1 - 1e-6));
    }
  }
}

}  // namespace
}  // namespace weft::fetcher::plan
