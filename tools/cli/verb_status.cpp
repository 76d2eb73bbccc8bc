// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/daemon/pause.h"

#include <chrono>
#include <memory>
#include <ostream>

namespace weft::tools {
namespace {

constexpr const char* clear_screen = "\x1b[H\x1b[2J";

}  // namespace

Verb status_verb(CLI::App& app) {
  auto& command = add_command(app, "status", "what is here, what is coming, what waits and why",
                              "weft status --watch");
  auto watch = std::make_shared<bool>(false);
  command.add_flag("--watch", *watch, "again every second, until ctrl-C");
  RunInSession run = [watch](Session& session) -> Result<void> {
    for (;;) {
      WEFT_TRY(const auto status, session.call(make_call("GET", {"status"}), NodeNeed::daemon));
      const bool redraw = *watch && session.terminal().out_is_tty && !session.options().json;
      if (redraw) session.terminal().out << clear_screen;
      session.print(status, render_status(status));
      if (!*watch || !pause_for(std::chrono::seconds(1), session.stop_token())) return {};
    }
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
