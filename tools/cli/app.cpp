// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/app.h"

#include "tools/api/trouble.h"
#include "tools/cli/interrupts.h"
#include "tools/cli/verbs.h"
#include "tools/daemon/logging.h"
#include "tools/version.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <ostream>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

std::string footer() {
  std::string text = "Exit codes:\n";
  for (const auto& [code, meaning] : exit_meanings()) {
    text += fmt::format("  {:>2}  {}\n", static_cast<int>(code), meaning);
  }
  return text +
         "\nSettings come from /etc/weft/weft.toml or --config, WEFT_… variables and flags.\n";
}

void add_globals(CLI::App& app, GlobalOptions& options) {
  app.add_option("--config", options.config_file, "configuration file (TOML)");
  app.add_flag("--json", options.json, "answer as JSON");
  app.add_flag("-v,--verbose", options.verbose, "log what happens to stderr");
  app.add_flag("--no-progress", options.no_progress, "no progress bar");
  for (const auto& key : config_keys()) {
    const std::string name(key.name);
    const auto take = [&options, name](const std::string& text) { options.settings[name] = text; };
    const auto flag = flag_of(key);
    if (key.value == "BOOL") {
      // A flag that may have a value: --insecure, --insecure=false.
      app.add_flag_function(
             flag, [take](std::int64_t count) { take(count > 0 ? "true" : "false"); },
             std::string(key.help))
          ->group("Settings");
      continue;
    }
    app.add_option_function<std::string>(flag, take, std::string(key.help))
        ->type_name(std::string(key.value))
        ->group("Settings");
  }
}

std::vector<Verb> add_verbs(CLI::App& app) {
  std::vector<Verb> verbs;
  for (auto* make : {daemon_verb, worker_verb, import_verb, images_verb, show_verb, rm_verb,
                     similar_verb, clusters_verb}) {
    verbs.push_back(make(app));
  }
  std::ranges::move(peers_verbs(app), std::back_inserter(verbs));
  std::ranges::move(profile_verbs(app), std::back_inserter(verbs));
  std::ranges::move(jobs_verbs(app), std::back_inserter(verbs));
  std::ranges::move(disk_verbs(app), std::back_inserter(verbs));
  for (auto* make : {mount_verb, umount_verb, switch_verb, materialize_verb, detach_verb,
                     status_verb, where_verb, plan_verb, diff_verb, upgrade_verb, version_verb}) {
    verbs.push_back(make(app));
  }
  return verbs;
}

int report(const Error& error, Terminal& terminal) {
  terminal.err << fmt::format("weft: {}\n", one_line(error)) << std::flush;
  return static_cast<int>(exit_code(error));
}

/// Commands log to stderr only what went wrong, unless asked for more.
Result<void> configure_command_logging(const Config& config, bool verbose) {
  Config quiet = config;
  quiet.log_file.clear();
  quiet.log_level = verbose ? LogLevel::debug : LogLevel::error;
  return configure_logging(quiet);
}

int run_in_session(const RunInSession& run, LoadedConfig loaded, GlobalOptions options,
                   Terminal& terminal) {
  const Interrupts interrupts;
  if (auto logging = configure_command_logging(loaded.config, options.verbose); !logging) {
    return report(logging.error(), terminal);
  }
  Session session(std::move(loaded), std::move(options), terminal, interrupts.token());
  const auto done = run(session);
  return done ? 0 : report(done.error(), terminal);
}

Result<LoadedConfig> configuration(const GlobalOptions& options,
                                   const std::function<const char*(const char*)>& environment) {
  ConfigSources sources;
  if (options.config_file) sources.file = *options.config_file;
  sources.environment = environment;
  sources.flags = options.settings;
  WEFT_TRY(auto loaded, load_config(sources));
  std::error_code problem;
  const auto state = std::filesystem::absolute(loaded.config.state, problem);
  if (!problem) loaded.config.state = state.lexically_normal();
  return loaded;
}

const Verb& chosen(const std::vector<Verb>& verbs) {
  // Sub-verbs (peers add) come before their verb.
  return *std::ranges::find_if(verbs, [](const Verb& verb) { return verb.command->parsed(); });
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example) {
  auto& command = *app.add_subcommand(name, description);
  command.fallthrough();
  command.footer("Example:\n  " + example +
                 "\n\nSettings, such as --state and --listen, and exit codes: weft --help");
  return command;
}

int run_command(std::vector<std::string> arguments, Terminal& terminal,
                const std::function<const char*(const char*)>& environment) {
  CLI::App app("weft: virtual machines boot from images that are still on another node", "weft");
  GlobalOptions options;
  app.set_version_flag("--version", "weft " + std::string(version));
  app.require_subcommand(1);
  app.footer(footer());
  add_globals(app, options);
  const auto verbs = add_verbs(app);
  try {
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(arguments);
  } catch (const CLI::Success& success) {
    return app.exit(success, terminal.out, terminal.err);
  } catch (const CLI::ParseError& problem) {
    const auto unknown =
        app.get_subcommands().empty() ? app.remaining() : std::vector<std::string>();
    const auto what = unknown.empty() ? std::string(problem.what())
                                      : fmt::format("there is no verb \"{}\"", unknown.front());
    terminal.err << fmt::format("weft: usage: {}: see `weft --help`\n", what) << std::flush;
    return static_cast<int>(ExitCode::usage);
  }
  auto loaded = configuration(options, environment);
  if (!loaded) return report(loaded.error(), terminal);
  const auto& verb = chosen(verbs);
  if (const auto* as_process = std::get_if<RunAsProcess>(&verb.run)) {
    return (*as_process)(*loaded, options, terminal);
  }
  return run_in_session(std::get<RunInSession>(verb.run), std::move(*loaded), std::move(options),
                        terminal);
}

}  // namespace weft::tools
