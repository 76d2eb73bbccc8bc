// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Options {
  std::string file;
  std::string name;
  std::string update;
  std::string format;
  std::vector<std::string> allow_backing;
  bool in_place = false;
  bool copy = false;
  bool reflink = false;
};

const char* mode_of(const Options& options) {
  if (options.in_place) return "in_place";
  if (options.copy) return "copy";
  return options.reflink ? "reflink" : "auto";
}

Result<boost::json::array> absolute(const std::vector<std::string>& directories) {
  boost::json::array paths;
  for (const auto& directory : directories) {
    std::error_code problem;
    const auto path = std::filesystem::absolute(directory, problem);
    if (problem) return fail_errno(problem.value(), Operation::import, directory);
    paths.emplace_back(path.string());
  }
  return paths;
}

std::string line_of(const boost::json::object& image) {
  return fmt::format("{}  {}  {}\n", text_of(image, "name"), text_of(image, "id"),
                     format_size(bytes_at(image, "size")));
}

// What an update found, in a line of its own.
std::string outcome_of(const boost::json::object& update) {
  const auto read = format_size(bytes_at(update, "read"));
  if (!flag_of(update, "changed")) return fmt::format("unchanged: {} read\n", read);
  const BlockCount blocks(count_of(update, "changed_blocks"));
  return fmt::format("changed: {}; {} hashed of {} read; before: {}\n",
                     format_size(bytes_of(blocks)), format_size(bytes_at(update, "hashed")), read,
                     text_of(update, "before"));
}

Result<boost::json::object> body_of(const Options& options) {
  boost::json::object body{{"mode", mode_of(options)}};
  if (!options.file.empty()) {
    std::error_code problem;
    const auto file = std::filesystem::absolute(options.file, problem);
    if (problem) return fail_errno(problem.value(), Operation::import, options.file);
    body["file"] = file.string();
  }
  if (!options.format.empty()) body["format"] = options.format;
  if (!options.allow_backing.empty()) {
    WEFT_TRY(body["allow_backing"], absolute(options.allow_backing));
  }
  return body;
}

Result<void> run(Session& session, const Options& options) {
  WEFT_TRY(auto body, body_of(options));
  if (options.update.empty()) {
    if (!options.name.empty()) body["name"] = options.name;
    WEFT_TRY(const auto image,
             session.call_with_progress(make_call("POST", {"images"}, std::move(body))));
    session.print(image, line_of(image));
    return {};
  }
  auto call = make_call("POST", {"images", options.update, "update"}, std::move(body));
  WEFT_TRY(const auto image, session.call_with_progress(std::move(call)));
  session.print(image, line_of(image) + outcome_of(object_of(image, "update")));
  return {};
}

}  // namespace

Verb import_verb(CLI::App& app) {
  auto& command = add_command(app, "import", "make an image of a disk file",
                              "weft import /images/debian.qcow2 --name deb12\n"
                              "  weft import --update deb12");
  auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file,
                     "disk image: raw, or any that QEMU reads (with --update: default the one that "
                     "the image was made of)");
  auto* name = command.add_option("--name", options->name,
                                  "name of the image (default: the file's, without its ending)");
  command
      .add_option("--update", options->update,
                  "index the image of this name again: only what changed is hashed and stored, and "
                  "who uses the old version keeps it")
      ->type_name("NAME")
      ->excludes(name);
  command.callback([options] {
    if (options->file.empty() && options->update.empty()) throw CLI::RequiredError("FILE");
  });
  command.add_option("--format", options->format,
                     "raw, qcow2, vmdk, vpc, vhdx, vdi, … (default: auto, by the file's content)");
  command
      .add_option("--allow-backing", options->allow_backing,
                  "directory that the image's backing, data and extent files may be in or below, "
                  "beside its own; may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  auto* mode = command.add_option_group("how its blocks get into the store");
  mode->add_flag("--in-place", options->in_place,
                 "the file, a raw one, stays where it is and is served; its blocks are checked on "
                 "every read");
  mode->add_flag("--copy", options->copy, "copy them");
  mode->add_flag("--reflink", options->reflink, "share them, on a file system that can");
  mode->require_option(0, 1);
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
