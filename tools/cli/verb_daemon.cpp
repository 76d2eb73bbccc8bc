// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/supervisor.h"
#include "fs/supervisor/worker_link.h"
#include "tools/api/error_json.h"
#include "tools/api/trouble.h"
#include "tools/cli/verbs.h"
#include "tools/daemon/background.h"
#include "tools/daemon/logging.h"
#include "tools/daemon/supervised_lock.h"
#include "tools/daemon/worker.h"

#include <boost/json/serialize.hpp>

#include <memory>
#include <ostream>

#include <fmt/format.h>

namespace weft::tools {
namespace {

int report(const Error& error, bool embedded, Terminal& terminal) {
  terminal.err << fmt::format("weft: {}\n", one_line(error)) << std::flush;
  // Whoever started it in the background reads this.
  if (embedded) terminal.out << boost::json::serialize(to_json(error)) << "\n" << std::flush;
  return static_cast<int>(exit_code(error));
}

std::vector<std::string> worker_arguments(const LoadedConfig& loaded, const GlobalOptions& options,
                                          Terminal& terminal, bool embedded) {
  std::vector<std::string> arguments{"weft", "worker"};
  if (embedded) arguments.emplace_back("--embedded");
  const Session session(loaded, options, terminal, {});
  const auto flags = session.configuration_flags();
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

}  // namespace

Verb daemon_verb(CLI::App& app) {
  auto& command =
      add_command(app, "daemon", "run a node until it is told to stop (SIGTERM, ctrl-C)",
                  "weft daemon --listen 127.0.0.1:7440");
  auto embedded = std::make_shared<bool>(false);
  command
      .add_flag("--embedded", *embedded,
                "end when the last mount is gone and the jobs are done (used by `weft mount`)")
      ->group("");
  RunAsProcess run = [embedded](const LoadedConfig& loaded, const GlobalOptions& options,
                                Terminal& terminal) {
    const auto logging = configure_logging(loaded.config);
    if (!logging) return report(logging.error(), *embedded, terminal);
    const auto lock = take_supervised_lock(loaded.config);
    if (!lock) return report(lock.error(), *embedded, terminal);
    fs::SupervisorOptions supervisor;
    supervisor.arguments = worker_arguments(loaded, options, terminal, *embedded);
    if (*embedded) supervisor.ready = UniqueFd(ready_descriptor);
    return fs::run_supervisor(std::move(supervisor));
  };
  return {&command, std::move(run)};
}

Verb worker_verb(CLI::App& app) {
  auto& command = add_command(app, "worker", "serve for a supervisor", "weft daemon");
  command.group("");
  auto embedded = std::make_shared<bool>(false);
  command.add_flag("--embedded", *embedded);
  RunAsProcess run = [embedded](const LoadedConfig& loaded, const GlobalOptions&,
                                Terminal& terminal) {
    auto socket = fs::take_supervisor_socket();
    const bool standby = fs::take_standby();
    if (!socket) {
      const Error error{make_error_code(Errc::bad_request), Operation::serve,
                        "`weft worker` is started by `weft daemon` only"};
      return report(error, *embedded, terminal);
    }
    const auto logging = configure_logging(loaded.config);
    if (!logging) return report(logging.error(), *embedded, terminal);
    const auto served = run_worker({loaded.config, *embedded, std::move(socket), standby});
    return served ? 0 : report(served.error(), *embedded, terminal);
  };
  return {&command, std::move(run)};
}

}  // namespace weft::tools
