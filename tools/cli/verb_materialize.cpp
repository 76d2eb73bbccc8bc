// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/goal_flags.h"
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"

#include <boost/json/array.hpp>

#include <memory>

namespace weft::tools {
namespace {

struct Options {
  std::string image;
  std::vector<std::string> peers;
  std::string limit;
  GoalFlags goal;
  bool background = false;
};

Result<void> run(Session& session, const Options& options) {
  WEFT_TRY(boost::json::object body, goal_members(options.goal));
  body["image"] = options.image;
  body["peers"] = boost::json::array(options.peers.begin(), options.peers.end());
  body["wait"] = !options.background;
  if (!options.limit.empty()) {
    WEFT_TRY(body["bytes_per_second"], parse_rate(options.limit));
  }
  const auto call = make_call("POST", {"jobs"}, std::move(body));
  if (options.background) {
    WEFT_CHECK(session.ensure_daemon());
    WEFT_TRY(const auto job, session.call(call));
    session.print(job, render_progress(job) + "\n");
    return {};
  }
  WEFT_TRY(const auto job, session.call_with_progress(call, NodeNeed::network));
  session.print(job, render_progress(job) + "\n");
  return {};
}

}  // namespace

Verb materialize_verb(CLI::App& app) {
  auto& command = add_command(app, "materialize", "fetch every block of an image",
                              "weft materialize deb12 --peer 127.0.0.1:7441 --budget 0.05");
  auto options = std::make_shared<Options>();
  command.add_option("IMAGE", options->image, "name or id, here or at a peer")->required();
  command.add_option("--peer", options->peers, "HOST:PORT to fetch from; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--limit,--rate", options->limit,
                     "content per second at most, like 10MiB or 80Mbit");
  add_goal_flags(command, options->goal);
  command.add_flag("--background", options->background,
                   "return at once; `weft status` shows the job, which survives restarts");
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
