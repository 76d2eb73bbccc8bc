// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {

Verb rm_verb(CLI::App& app) {
  auto& command = add_command(app, "rm", "remove an image from this node", "weft rm deb12");
  auto image = std::make_shared<std::string>();
  command.add_option("IMAGE", *image, "name or id")->required();
  RunInSession run = [image](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("DELETE", {"images", *image})));
    session.print(answer, render_removal(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
