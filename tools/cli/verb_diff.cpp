// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {

Verb diff_verb(CLI::App& app) {
  auto& command = add_command(app, "diff", "what changed between two images that are here",
                              "weft diff deb12 deb12-web");
  auto a = std::make_shared<std::string>();
  auto b = std::make_shared<std::string>();
  command.add_option("A", *a, "image: name, id, or its first 8 or more digits")->required();
  command.add_option("B", *b, "the image to compare it with")->required();
  RunInSession run = [a, b](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"images", *a, "diff", *b})));
    session.print(answer, render_diff(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
