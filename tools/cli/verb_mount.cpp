// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/mount_options.h"
#include "tools/cli/paths.h"
#include "tools/cli/verbs.h"

#include <boost/json/array.hpp>

#include <filesystem>
#include <memory>

namespace weft::tools {
namespace {

struct Options {
  std::string image;
  std::string target;
  MountFlags flags;
  std::vector<std::string> lists;  ///< of -o
};

Result<boost::json::object> body_of(const Options& options, const std::string& target) {
  boost::json::object body{
      {"image", options.image},
      {"target", target},
      {"peers", boost::json::array(options.flags.peers.begin(), options.flags.peers.end())},
      {"create", options.flags.create}};
  if (options.flags.materialize) body["materialize"] = true;
  if (options.flags.prefetch) body["prefetch"] = *options.flags.prefetch;
  if (options.flags.policy) body["policy"] = *options.flags.policy;
  if (options.flags.hold) body["hold"] = *options.flags.hold;
  boost::json::array monitors;
  for (const auto& socket : options.flags.qmp) {
    WEFT_TRY(const auto path, absolute_path(socket, Operation::mount));
    monitors.emplace_back(path);
  }
  if (!monitors.empty()) body["qmp"] = std::move(monitors);
  return body;
}

Result<void> run(Session& session, Options options) {
  for (const auto& list : options.lists)
    WEFT_CHECK(apply_mount_options(options.flags, list));
  std::error_code problem;
  const auto target = std::filesystem::absolute(options.target, problem);
  if (problem) return fail_errno(problem.value(), Operation::mount, options.target);
  WEFT_TRY(auto body, body_of(options, target.string()));
  WEFT_CHECK(session.ensure_daemon());
  WEFT_TRY(const auto mount, session.call(make_call("POST", {"mounts"}, std::move(body))));
  // One line for scripts: the path of the image.
  session.print(mount, text_of(mount, "file") + "\n");
  return {};
}

}  // namespace

Verb mount_verb(CLI::App& app) {
  auto& command =
      add_command(app, "mount", "make an image appear as a file, wherever its blocks are",
                  "weft mount --peer 127.0.0.1:7441 deb12 /mnt/vm");
  auto options = std::make_shared<Options>();
  command.add_option("IMAGE", options->image, "name or id, here or at a peer")->required();
  command
      .add_option("TARGET", options->target,
                  "empty directory (the image is TARGET/NAME.raw) or regular file (it is TARGET)")
      ->required();
  auto& flags = options->flags;
  command.add_option("--peer", flags.peers, "HOST:PORT to fetch from; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--policy", flags.policy,
                     "reads that no peer can answer: hold, eio or eagain (default: read_policy)");
  command.add_option("--hold", flags.hold, "how long hold waits before EIO, like 10min");
  command.add_option("--prefetch", flags.prefetch,
                     "what to fetch before it is read: off, boot (what a boot will read), all, or "
                     "sequential (all in image order) (default: the key prefetch)");
  command.add_flag("--materialize", flags.materialize, "the same as --prefetch all");
  command
      .add_option("--qmp", flags.qmp,
                  "monitor socket of the QEMU that will use it: it is told to open the disk again "
                  "when the kernel can read it without weft; may be repeated")
      ->type_name("SOCKET")
      ->allow_extra_args(false);
  command.add_flag("--create", flags.create, "make TARGET if it is a missing directory");
  command
      .add_option("-o", options->lists, "the same as mount(8) gives it: peer=…,policy=…,prefetch=…")
      ->allow_extra_args(false);
  return {&command, RunInSession([options](Session& session) { return run(session, *options); })};
}

}  // namespace weft::tools
