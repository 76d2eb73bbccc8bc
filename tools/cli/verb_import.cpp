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

Result<void> run(Session& session, const Options& options) {
  std::error_code problem;
  const auto file = std::filesystem::absolute(options.file, problem);
  if (problem) return fail_errno(problem.value(), Operation::import, options.file);
  boost::json::object body{{"file", file.string()}, {"mode", mode_of(options)}};
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.format.empty()) body["format"] = options.format;
  if (!options.allow_backing.empty()) {
    WEFT_TRY(body["allow_backing"], absolute(options.allow_backing));
  }
  WEFT_TRY(const auto image,
           session.call_with_progress(make_call("POST", {"images"}, std::move(body))));
  session.print(image, fmt::format("{}  {}  {}\n", text_of(image, "name"), text_of(image, "id"),
                                   format_size(bytes_at(image, "size"))));
  return {};
}

}  // namespace

Verb import_verb(CLI::App& app) {
  auto& command = add_command(app, "import", "make an image of a disk file",
                              "weft import /images/debian.qcow2 --name deb12");
  auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "disk image: raw, or any that QEMU reads")->required();
  command.add_option("--name", options->name,
                     "name of the image (default: the file's, without its ending)");
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
