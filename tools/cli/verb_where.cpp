// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {

Verb where_verb(CLI::App& app) {
  auto& command = add_command(app, "where", "on which node an image would be cheapest to start",
                              "weft where deb12-web");
  auto image = std::make_shared<std::string>();
  command.add_option("IMAGE", *image, "name, id, or its first 8 or more digits")->required();
  RunInSession run = [image](Session& session) -> Result<void> {
    const auto call = make_call("GET", {"images", *image, "where"});
    WEFT_TRY(const auto answer, session.call(call, NodeNeed::daemon));
    session.print(answer, render_where(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
