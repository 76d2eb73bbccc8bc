// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/why.h"

#include "fetcher/plan/planner.h"
#include "tests/unit/fetcher/plan/problem_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::fetcher::plan {
namespace {

using testing::ElementsAre;

std::vector<std::string> sources(const Problem& problem, const Goal& goal = Goal::fastest()) {
  const auto plan = make_plan(problem, goal);
  EXPECT_TRUE(plan);
  return why_sources(problem, *plan);
}
std::vector<std::string> tiers(const Problem& problem) {
  const auto plan = make_plan(problem, Goal::fastest());
  EXPECT_TRUE(plan);
  return why_tiers(problem, *plan);
}

TEST(Why, parts_and_what_only_one_source_has) {
  ProblemBuilder b;
  b.source(10).source(30).held_by({0, 1}, 70).held_by({0}, 10).held_by({1}, 400, 2);
  EXPECT_THAT(sources(b.problem),
              ElementsAre("25 % of tier 1; 50 % of its bytes are only here; the plan waits for it",
                          "fastest, 75 % of tier 1, 96 % of everything; 87 % of its bytes are only "
                          "here; the plan waits for it"));
}

TEST(Why, reasons_not_to_use_a_source) {
  ProblemBuilder b;
  b.source(10).source(10, 0, 1).source(0).source(10).source(10, 60).held_by({0, 1, 2, 4}, 100);
  EXPECT_THAT(
      sources(b.problem, Goal::cheapest(1)),
      ElementsAre("all of tier 1; the plan waits for it", "not used: dearer, and not needed",
                  "not used: its rate is not known", "not used: holds nothing that is missing",
                  "not used: cannot send for 60.0 s, all is here by then"));
}

TEST(Why, a_full_uplink_is_named) {
  ProblemBuilder b;
  b.source(10).at_site(12).source(10).at_last_site().held_by({0}, 60).held_by({1}, 60);
  const auto lines = sources(b.problem);
  EXPECT_THAT(lines[0], testing::HasSubstr("limited by the uplink of site site0"));
  EXPECT_THAT(tiers(b.problem),
              ElementsAre("120 MB are behind the full uplink of site site0, 12 MB/s"));
}

TEST(Why, tiers_say_what_they_wait_for) {
  ProblemBuilder b;
  b.source(1).source(50).held_by({0}, 10).held_by({0, 1}, 1).held_by({1}, 1, 2);
  b.held_by({0, 1}, 2000, 3);
  EXPECT_THAT(tiers(b.problem),
              ElementsAre("10 MB are only at 1 source, which sends 1.0 MB/s", "here when tier 1 is",
                          "2.0 GB are at 2 sources, which send 51 MB/s together"));
  ProblemBuilder ingress;
  ingress.source(50).source(50).ingress(30).held_by({0, 1}, 900);
  EXPECT_THAT(tiers(ingress.problem),
              ElementsAre("900 MB must come in, and this node takes 30 MB/s"));
}

}  // namespace
}  // namespace weft::fetcher::plan
