// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {

Verb show_verb(CLI::App& app) {
  auto& command = add_command(app, "show", "show one image", "weft show deb12");
  auto image = std::make_shared<std::string>();
  command.add_option("IMAGE", *image, "name, id, or its first 8 or more digits")->required();
  RunInSession run = [image](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"images", *image})));
    session.print(answer, render_image(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
