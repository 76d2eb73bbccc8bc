// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/verbs.h"
#include "tools/daemon/pause.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

namespace weft::tools {
namespace {

/// Longer than the supervisor lets any step take.
constexpr auto limit = std::chrono::minutes(3);
/// For a worker that died to be replaced; a hand-over without trouble is waited for anyway.
constexpr auto silence_limit = std::chrono::seconds(10);
constexpr auto poll_period = std::chrono::milliseconds(50);

Result<std::string> binary_of(const std::string& given) {
  std::error_code problem;
  const auto path = given.empty() ? std::filesystem::read_symlink("/proc/self/exe", problem)
                                  : std::filesystem::absolute(given, problem);
  if (problem) return fail_errno(problem.value(), Operation::serve, given);
  return path.string();
}

/// Waits until the new worker answers, or the old one again.
Result<boost::json::object> await_outcome(Session& session, const boost::json::object& begun) {
  const auto from = count_of(object_of(begun, "from"), "pid");
  const auto to = count_of(object_of(begun, "to"), "pid");
  const auto deadline = steady_clock().now() + limit;
  auto heard = steady_clock().now();
  while (pause_for(poll_period, session.stop_token())) {
    if (steady_clock().now() >= deadline) {
      return fail(Errc::deadline_passed, Operation::serve, "the daemon does not answer");
    }
    auto now = session.call(make_call("GET", {"version"}), NodeNeed::daemon);
    const bool silent = !now && now.error().is(Errc::no_daemon);
    if (silent && steady_clock().now() - heard < silence_limit) continue;
    if (!now) return now;
    heard = steady_clock().now();
    const auto pid = count_of(*now, "pid");
    const auto& upgrade = object_of(*now, "upgrade");
    if (pid == to) return now;
    if (pid == from && flag_of(upgrade, "under_way")) continue;
    const auto why = text_of(upgrade, "last_error");
    return fail(Errc::helper_failed, Operation::serve,
                pid == from ? fmt::format("{}; the old worker serves on", why)
                            : "the daemon was restarted during the upgrade: see its log");
  }
  return fail(Errc::cancelled, Operation::serve, "the upgrade goes on");
}

Result<void> run(Session& session, const std::string& given) {
  WEFT_TRY(const auto binary, binary_of(given));
  WEFT_TRY(auto begun,
           session.call(make_call("POST", {"upgrade"}, {{"binary", binary}}), NodeNeed::daemon));
  WEFT_CHECK(await_outcome(session, begun));
  const auto& from = object_of(begun, "from");
  const auto& to = object_of(begun, "to");
  session.print(begun, fmt::format("weft {} (pid {}) serves in place of {} (pid {})\n",
                                   text_of(to, "version"), count_of(to, "pid"),
                                   text_of(from, "version"), count_of(from, "pid")));
  return {};
}

}  // namespace

Verb upgrade_verb(CLI::App& app) {
  auto& command =
      add_command(app, "upgrade", "let another binary serve; mounts, reads and jobs go on",
                  "weft upgrade --binary /usr/bin/weft");
  auto binary = std::make_shared<std::string>();
  command.add_option("--binary", *binary, "the new weft; default: this very command")
      ->type_name("FILE");
  return {&command, RunInSession([binary](Session& session) { return run(session, *binary); })};
}

}  // namespace weft::tools
