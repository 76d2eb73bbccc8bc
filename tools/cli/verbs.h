// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "tools/cli/session.h"

#include <CLI/App.hpp>

#include <functional>
#include <variant>
#include <vector>

/// The verbs of `weft`, one file each. A verb adds its subcommand to the command line and says how
/// it is run once the line has been parsed.
namespace weft::tools {

/// Run with a session. The result is the process's success or error.
using RunInSession = std::function<Result<void>(Session&)>;
/// Run by itself, before any thread exists; the result is the exit status.
using RunAsProcess = std::function<int(const LoadedConfig&, const GlobalOptions&, Terminal&)>;

struct Verb {
  CLI::App* command = nullptr;
  std::variant<RunInSession, RunAsProcess> run;
};

[[nodiscard]] Verb daemon_verb(CLI::App& app);
[[nodiscard]] Verb worker_verb(CLI::App& app);  ///< hidden: started by the supervisor
[[nodiscard]] Verb import_verb(CLI::App& app);
[[nodiscard]] Verb images_verb(CLI::App& app);
[[nodiscard]] Verb show_verb(CLI::App& app);
[[nodiscard]] Verb rm_verb(CLI::App& app);
[[nodiscard]] Verb similar_verb(CLI::App& app);
[[nodiscard]] Verb clusters_verb(CLI::App& app);
/// peers, peers add, peers rm.
[[nodiscard]] std::vector<Verb> peers_verbs(CLI::App& app);
/// profile list, show, record, export, import, drop.
[[nodiscard]] std::vector<Verb> profile_verbs(CLI::App& app);
/// disk create, list, show, commit, rm.
[[nodiscard]] std::vector<Verb> disk_verbs(CLI::App& app);
[[nodiscard]] Verb mount_verb(CLI::App& app);
[[nodiscard]] Verb umount_verb(CLI::App& app);
[[nodiscard]] Verb switch_verb(CLI::App& app);
[[nodiscard]] Verb detach_verb(CLI::App& app);
[[nodiscard]] Verb materialize_verb(CLI::App& app);
/// jobs, jobs show, pause, resume, limit, cancel.
[[nodiscard]] std::vector<Verb> jobs_verbs(CLI::App& app);
[[nodiscard]] Verb status_verb(CLI::App& app);
[[nodiscard]] Verb where_verb(CLI::App& app);
[[nodiscard]] Verb plan_verb(CLI::App& app);
[[nodiscard]] Verb diff_verb(CLI::App& app);
[[nodiscard]] Verb upgrade_verb(CLI::App& app);
[[nodiscard]] Verb version_verb(CLI::App& app);

/// A subcommand with its one example in the help.
[[nodiscard]] CLI::App& add_command(CLI::App& app, const std::string& name,
                                    const std::string& description, const std::string& example);

}  // namespace weft::tools
