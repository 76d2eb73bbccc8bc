// SPDX-License-Identifier: Apache-2.0
#include "tools/api/goal.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using fetcher::plan::Goal;
using Said = Result<std::optional<Goal>>;

Said in_query(const std::string& query) {
  return goal_in_query(parse_target("GET", "/v1/x?" + query).value());
}
Said in_body(const std::string& body) {
  return goal_in_body(boost::json::parse(body).get_object());
}

void expect_goal(const Said& said, const Goal& goal) {
  ASSERT_TRUE(said) << said.error().message();
  ASSERT_TRUE(*said);
  EXPECT_EQ((*said)->kind, goal.kind);
  EXPECT_EQ((*said)->slack, goal.slack);
  EXPECT_EQ((*said)->budget, goal.budget);
}

TEST(Goal, means_the_same_in_a_query_and_in_a_body) {
  expect_goal(in_query("budget=0.5"), Goal::within(0.5));
  expect_goal(in_body(R"({"budget":0.5})"), Goal::within(0.5));
  expect_goal(in_body(R"({"budget":0})"), Goal::within(0));
  expect_goal(in_query("optimize=cost"), Goal::cheapest(0.05));
  expect_goal(in_body(R"({"optimize":"cost","epsilon":0.1})"), Goal::cheapest(0.1));
  expect_goal(in_query("optimize=time&budget=1"), Goal::within(1));
  expect_goal(in_body(R"({"optimize":"time","budget":null})"), Goal::fastest());
}

TEST(Goal, that_is_not_said_is_none) {
  for (const Said& said : {in_query("pareto=true"), in_body("{}"), in_body(R"({"image":"web"})")}) {
    ASSERT_TRUE(said);
    EXPECT_FALSE(said->has_value());
  }
}

TEST(Goal, that_makes_no_sense_is_refused) {
  for (const char* query : {"budget=-1", "budget=x", "budget=inf", "budget=nan", "budget=1e13",
                            "budget=1%20", "budget=", "optimize=speed", "epsilon=0.1",
                            "optimize=cost&budget=1", "optimize=cost&epsilon=-0.1"}) {
    const auto said = in_query(query);
    ASSERT_FALSE(said) << query;
    EXPECT_TRUE(said.error().is(Errc::bad_request));
  }
  for (const char* body :
       {R"({"budget":"0.5"})", R"({"budget":-1})", R"({"budget":1e13})", R"({"optimize":1})",
        R"({"optimize":"Cost"})", R"({"epsilon":0.1})", R"({"optimize":"cost","epsilon":true})",
        R"({"optimize":"cost","budget":1})"}) {
    const auto said = in_body(body);
    ASSERT_FALSE(said) << body;
    EXPECT_TRUE(said.error().is(Errc::bad_request));
  }
}

TEST(Goal, comes_back_from_what_it_is_shown_as) {
  for (const Goal& goal : {Goal::fastest(), Goal::cheapest(0.25), Goal::within(3)})
    expect_goal(goal_in_body(to_json(goal)), goal);
}

}  // namespace
}  // namespace weft::tools
