// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/paths.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {

Verb umount_verb(CLI::App& app) {
  auto& command = add_command(app, "umount", "end a mount", "weft umount /mnt/vm");
  auto target = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  command.add_option("TARGET", *target, "as given to `weft mount`")->required();
  command.add_flag("--force", *force, "also while it is in use: reads that wait get an error");
  RunInSession run = [target, force](Session& session) -> Result<void> {
    WEFT_TRY(const auto text, mount_target(*target, Operation::umount));
    auto call = make_call("DELETE", {"mounts"});
    call.query = {{"target", text}, {"force", *force ? "true" : "false"}};
    WEFT_TRY(const auto answer, session.call(call));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
