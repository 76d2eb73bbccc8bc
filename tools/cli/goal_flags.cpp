// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/goal_flags.h"

#include "tools/api/goal.h"

#include <boost/json/value.hpp>

namespace weft::tools {

void add_goal_flags(CLI::App& command, GoalFlags& flags) {
  command
      .add_option("--optimize", flags.optimize,
                  "time: as early as can be (default); cost: cheapest of those not much later")
      ->type_name("time|cost");
  command.add_option("--budget", flags.budget, "as early as can be for so much money at most")
      ->type_name("PRICE");
  command
      .add_option("--epsilon", flags.epsilon,
                  "with cost: how much later than the fastest it may be (0.05: 5 %)")
      ->type_name("PART");
}

Result<boost::json::object> goal_members(const GoalFlags& flags) {
  GoalWords words;
  boost::json::object members;
  if (!flags.optimize.empty()) {
    words.optimize = flags.optimize;
    members["optimize"] = flags.optimize;
  }
  if (!flags.budget.empty()) {
    WEFT_TRY(words.budget, parse_amount("budget", flags.budget));
    members["budget"] = *words.budget;
  }
  if (!flags.epsilon.empty()) {
    WEFT_TRY(words.epsilon, parse_amount("epsilon", flags.epsilon));
    members["epsilon"] = *words.epsilon;
  }
  WEFT_CHECK(goal_of(words));
  return members;
}

}  // namespace weft::tools
