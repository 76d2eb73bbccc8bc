// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/digest.h"
#include "tools/cli/json_view.h"
#include "tools/cli/paths.h"
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"
#include "tools/daemon/pause.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <ostream>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Options {
  std::string image;
  std::string target;
  std::string action;
  std::string span;
  std::string file;
};
using OptionsPtr = std::shared_ptr<Options>;

std::string line_of(const boost::json::object& profile) {
  return fmt::format("{}  {} blocks, {} within {:.1f}s\n", text_of(profile, "image").substr(0, 12),
                     count_of(profile, "blocks"), format_size(bytes_at(profile, "bytes")),
                     number_of(profile, "seconds"));
}

// --- show

Result<void> run_show(Session& session, const Options& options) {
  auto call = make_call("GET", {"profiles", options.image});
  if (session.options().json) call.query["entries"] = "65536";
  WEFT_TRY(const auto answer, session.call(call));
  session.print(answer, render_profile(answer));
  return {};
}

Verb show_profile_verb(CLI::App& profile, const OptionsPtr& options) {
  auto& command =
      add_command(profile, "show", "what a boot of an image reads, when, and what of it is here",
                  "weft profile show deb12");
  command.add_option("IMAGE", options->image, "name or id")->required();
  return {&command, RunInSession([options](Session& s) { return run_show(s, *options); })};
}

// --- record

Result<boost::json::object> record(Session& session, const std::string& target,
                                   const char* action) {
  return session.call(
      make_call("POST", {"mounts", "record"}, {{"target", target}, {"action", action}}),
      NodeNeed::daemon);
}

Result<void> run_record(Session& session, const Options& options) {
  WEFT_TRY(const auto target, mount_target(options.target, Operation::mount));
  if (!options.span.empty()) {
    WEFT_TRY(const Duration span, parse_duration(options.span));
    WEFT_CHECK(record(session, target, "start"));
    if (!pause_for(span, session.stop_token())) {
      return fail(
          Errc::cancelled, Operation::none,
          "the recording goes on: end it with `weft profile record " + options.target + " stop`");
    }
    WEFT_TRY(const auto answer, record(session, target, "stop"));
    session.print(answer, line_of(answer));
    return {};
  }
  WEFT_TRY(const auto answer, record(session, target, options.action.c_str()));
  session.print(answer, options.action == "stop" ? line_of(answer) : "");
  return {};
}

Verb record_verb(CLI::App& profile, const OptionsPtr& options) {
  auto& command =
      add_command(profile, "record", "record what is read from a mount, whatever it is",
                  "weft profile record /mnt/vm start\n  weft profile record /mnt/vm --for 60s");
  command.add_option("TARGET", options->target, "where the image is mounted")->required();
  auto* action = command.add_option("ACTION", options->action, "start or stop")
                     ->check(CLI::IsMember({"start", "stop"}));
  command.add_option("--for", options->span, "start, wait so long (like 60s), and stop")
      ->type_name("TIME")
      ->excludes(action);
  command.callback([options] {
    if (options->action.empty() && options->span.empty()) {
      throw CLI::RequiredError("start, stop or --for");
    }
  });
  return {&command, RunInSession([options](Session& s) { return run_record(s, *options); })};
}

// --- export, import, drop

Result<void> write_to(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!out) return fail_errno(errno != 0 ? errno : EIO, Operation::write, path);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return fail_errno(EIO, Operation::write, path);
  return {};
}

Result<void> run_export(Session& session, const Options& options) {
  WEFT_TRY(const auto answer,
           session.call(make_call("GET", {"profiles", options.image, "export"})));
  if (session.options().json) {
    session.print(answer, "");
    return {};
  }
  const std::string digits = text_of(answer, "data");
  std::vector<std::byte> bytes(digits.size() / 2);
  if (bytes.empty() || !from_hex(digits, bytes)) {
    return fail(Errc::bad_request, Operation::control, "the node's answer holds no profile");
  }
  if (!options.file.empty()) return write_to(options.file, bytes);
  if (session.terminal().out_is_tty) {
    return fail(Errc::bad_request, Operation::none,
                "a profile is not for a terminal: give --to FILE, or a pipe");
  }
  session.terminal().out.write(reinterpret_cast<const char*>(bytes.data()),
                               static_cast<std::streamsize>(bytes.size()));
  session.terminal().out.flush();
  return {};
}

Verb export_verb(CLI::App& profile, const OptionsPtr& options) {
  auto& command = add_command(profile, "export", "write an image's boot profile to a file",
                              "weft profile export deb12 --to deb12.profile");
  command.add_option("IMAGE", options->image, "name or id")->required();
  command.add_option("--to", options->file, "file (default: standard output)")->type_name("FILE");
  return {&command, RunInSession([options](Session& s) { return run_export(s, *options); })};
}

Result<void> run_import(Session& session, const Options& options) {
  WEFT_TRY(const auto file, absolute_path(options.file, Operation::import));
  WEFT_TRY(const auto answer, session.call(make_call("POST", {"profiles"}, {{"file", file}})));
  session.print(answer, line_of(answer));
  return {};
}

Verb import_profile_verb(CLI::App& profile, const OptionsPtr& options) {
  auto& command = add_command(profile, "import", "take a boot profile from a file",
                              "weft profile import deb12.profile");
  command.add_option("FILE", options->file, "written by `weft profile export`")->required();
  return {&command, RunInSession([options](Session& s) { return run_import(s, *options); })};
}

Verb drop_verb(CLI::App& profile, const OptionsPtr& options) {
  auto& command =
      add_command(profile, "drop", "forget the boots of an image", "weft profile drop deb12");
  command.add_option("IMAGE", options->image, "name or id; it need not be here")->required();
  RunInSession run = [options](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("DELETE", {"profiles", options->image})));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace

std::vector<Verb> profile_verbs(CLI::App& app) {
  auto& profile = add_command(app, "profile", "what boots read: list, show, record, exchange",
                              "weft profile show deb12");
  profile.require_subcommand(0, 1);
  const auto options = std::make_shared<Options>();
  RunInSession list = [](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"profiles"})));
    session.print(answer, render_profiles(answer));
    return {};
  };
  return {show_profile_verb(profile, options), record_verb(profile, options),
          export_verb(profile, options),       import_profile_verb(profile, options),
          drop_verb(profile, options),         {&profile, std::move(list)}};
}

}  // namespace weft::tools
