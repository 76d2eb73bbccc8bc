// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"

#include <boost/json/array.hpp>

#include <memory>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Options {
  std::string name;
  std::string image;
  std::vector<std::string> peers;
};

Verb create_verb(CLI::App& disk) {
  auto& command = add_command(disk, "create", "make a writable disk over an image",
                              "weft disk create vm7 --image deb12");
  const auto options = std::make_shared<Options>();
  command.add_option("NAME", options->name, "of the disk; no image may have it")->required();
  command.add_option("--image", options->image, "name or id, here or at a peer")->required();
  command.add_option("--peer", options->peers, "HOST:PORT to fetch from; may be repeated")
      ->allow_extra_args(false);
  RunInSession run = [options](Session& session) -> Result<void> {
    // An image that only peers have needs a node with a network.
    if (!options->peers.empty()) WEFT_CHECK(session.ensure_daemon());
    boost::json::object body{{"name", options->name}, {"image", options->image}};
    if (!options->peers.empty()) {
      body["peers"] = boost::json::array(options->peers.begin(), options->peers.end());
    }
    WEFT_TRY(const auto answer, session.call(make_call("POST", {"disks"}, std::move(body))));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

Verb list_verb(CLI::App& disk) {
  auto& command = add_command(disk, "list", "list the disks of this node", "weft disk list");
  RunInSession run = [](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"disks"})));
    session.print(answer, render_disks(answer));
    return {};
  };
  return {&command, std::move(run)};
}

Verb show_disk_verb(CLI::App& disk) {
  auto& command = add_command(disk, "show", "show one disk", "weft disk show vm7");
  const auto name = std::make_shared<std::string>();
  command.add_option("NAME", *name)->required();
  RunInSession run = [name](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"disks", *name})));
    session.print(answer, render_disk(answer));
    return {};
  };
  return {&command, std::move(run)};
}

Verb commit_verb(CLI::App& disk) {
  auto& command =
      add_command(disk, "commit", "make an image of what a disk holds now; the disk goes on",
                  "weft disk commit vm7 deb12-web");
  const auto options = std::make_shared<Options>();
  command
      .add_option("NAME", options->name, "the disk; what its guest has not written is not in it")
      ->required();
  command.add_option("NEW-IMAGE", options->image, "name of the new image")->required();
  RunInSession run = [options](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("POST", {"disks", options->name, "commit"},
                                                       {{"image", options->image}})));
    session.print(answer, fmt::format("{} {}, {} of its own\n", text_of(answer, "name"),
                                      text_of(answer, "id").substr(0, 12),
                                      format_size(bytes_at(answer, "written"))));
    return {};
  };
  return {&command, std::move(run)};
}

Verb remove_verb(CLI::App& disk) {
  auto& command =
      add_command(disk, "rm", "remove a disk and what was written to it", "weft disk rm vm7");
  const auto name = std::make_shared<std::string>();
  command.add_option("NAME", *name)->required();
  RunInSession run = [name](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("DELETE", {"disks", *name})));
    session.print(answer, render_removal(answer));
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace

std::vector<Verb> disk_verbs(CLI::App& app) {
  auto& disk = add_command(app, "disk", "writable disks over images", "weft disk list");
  disk.require_subcommand(1);
  return {create_verb(disk), list_verb(disk), show_disk_verb(disk), commit_verb(disk),
          remove_verb(disk)};
}

}  // namespace weft::tools
