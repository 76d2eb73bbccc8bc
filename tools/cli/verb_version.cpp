// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/messages.h"
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/version.h"

#include <boost/json/value.hpp>

namespace weft::tools {

Verb version_verb(CLI::App& app) {
  auto& command = add_command(app, "version", "version of this program and of the running daemon",
                              "weft version --json");
  RunInSession run = [](Session& session) -> Result<void> {
    boost::json::object answer{{"version", version},
                               {"api", api_version},
                               {"protocol", fetcher::wire::protocol_version},
                               {"daemon", nullptr}};
    if (session.daemon_runs()) {
      WEFT_TRY(answer["daemon"], session.call(make_call("GET", {"version"})));
    }
    session.print(answer, render_version(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
