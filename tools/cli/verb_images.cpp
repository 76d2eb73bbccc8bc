// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

namespace weft::tools {

Verb images_verb(CLI::App& app) {
  auto& command = add_command(app, "images", "list the images on this node", "weft images --json");
  RunInSession run = [](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"images"})));
    session.print(answer, render_images(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
