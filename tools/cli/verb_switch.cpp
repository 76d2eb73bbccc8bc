// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/paths.h"
#include "tools/cli/verbs.h"

#include <boost/json/object.hpp>

#include <memory>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Options {
  std::string target;
  std::string qmp;
};

Result<void> run(Session& session, const Options& options) {
  WEFT_TRY(const auto target, mount_target(options.target, Operation::control));
  WEFT_TRY(const auto qmp, absolute_path(options.qmp, Operation::control));
  auto call = make_call("POST", {"mounts", "switch"}, {{"target", target}, {"qmp", qmp}});
  WEFT_TRY(const auto answer, session.call_with_progress(std::move(call), NodeNeed::daemon));
  session.print(answer, fmt::format("{}: {}\n", target, text_of(answer, "mode")));
  return {};
}

}  // namespace

Verb switch_verb(CLI::App& app) {
  auto& command =
      add_command(app, "switch", "have a running QEMU read a complete image without weft",
                  "weft switch /mnt/vm --qmp /run/vm1.qmp");
  auto options = std::make_shared<Options>();
  command.add_option("TARGET", options->target, "as given to `weft mount`")->required();
  command
      .add_option("--qmp", options->qmp, "QEMU's monitor: the PATH of `-qmp unix:PATH,server=on`")
      ->required()
      ->type_name("SOCKET");
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
