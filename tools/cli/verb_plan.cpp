// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/goal_flags.h"
#include "tools/cli/plan_picture.h"
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace weft::tools {
namespace {

constexpr int columns_of_a_file = 120;

struct Options {
  std::string image;
  GoalFlags goal;
  bool pareto = false;
};

/// The locale that says which characters the terminal shows.
std::string_view locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

Result<void> run(Session& session, const Options& options) {
  Call call = make_call("GET", {"images", options.image, "plan"});
  for (const auto& [name, value] :
       {std::pair{"optimize", &options.goal.optimize}, std::pair{"budget", &options.goal.budget},
        std::pair{"epsilon", &options.goal.epsilon}}) {
    if (!value->empty()) call.query[name] = *value;
  }
  if (options.pareto) call.query["pareto"] = "true";
  WEFT_TRY(const auto answer, session.call(call, NodeNeed::daemon));
  const Terminal& terminal = session.terminal();
  session.print(answer,
                render_plan(answer, terminal.out_is_tty ? terminal.columns : columns_of_a_file,
                            is_utf8_locale(locale())));
  return {};
}

}  // namespace

Verb plan_verb(CLI::App& app) {
  auto& command = add_command(app, "plan", "who would send what of an image, when and at what cost",
                              "weft plan deb12-web --budget 0.05");
  auto options = std::make_shared<Options>();
  command.add_option("IMAGE", options->image, "name, id, or its first 8 or more digits")
      ->required();
  add_goal_flags(command, options->goal);
  command.add_flag("--pareto", options->pareto, "also list time against cost");
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
