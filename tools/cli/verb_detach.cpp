// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/paths.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"

#include <boost/json/object.hpp>

#include <memory>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Options {
  std::string image;
  std::string to;
  std::string format = "raw";
  bool replace = false;
  bool wait = false;
  bool move = false;
};

std::string text_for(const boost::json::object& made) {
  const char* const how = flag_of(made, "moved")    ? ", moved out of the store"
                          : flag_of(made, "shared") ? ", extents shared"
                                                    : "";
  return fmt::format("{}  {}{}\nproof: {} read back and hashed, root {}\n", text_of(made, "file"),
                     text_of(made, "format"), how, format_size(bytes_at(made, "hashed")),
                     text_of(made, "root"));
}

Result<void> run(Session& session, const Options& options) {
  WEFT_TRY(const auto to, absolute_path(options.to, Operation::write));
  if (options.wait) {
    auto job = make_call("POST", {"jobs"}, {{"image", options.image}, {"wait", true}});
    WEFT_CHECK(session.call_with_progress(job, NodeNeed::network));
  }
  auto call = make_call("POST", {"images", options.image, "detach"},
                        {{"to", to},
                         {"format", options.format},
                         {"replace", options.replace},
                         {"move", options.move}});
  WEFT_TRY(const auto made, session.call_with_progress(std::move(call)));
  session.print(made, text_for(made));
  return {};
}

}  // namespace

Verb detach_verb(CLI::App& app) {
  auto& command =
      add_command(app, "detach", "make a plain file of an image or a disk, with a proof",
                  "weft detach deb12 --to /vm/deb12.qcow2 --format qcow2");
  auto options = std::make_shared<Options>();
  command.add_option("IMAGE", options->image, "name or id, or a disk's name: what it holds now")
      ->required();
  command.add_option("--to", options->to, "file to make")->required()->type_name("FILE");
  command.add_option("--format", options->format, "raw or qcow2")->capture_default_str();
  command.add_flag("--force", options->replace, "replace FILE");
  command.add_flag("--move", options->move,
                   "give the store's own file away: nothing is copied, and the image is gone here");
  command.add_flag("--wait", options->wait, "fetch what is missing first");
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
