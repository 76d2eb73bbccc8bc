// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/supervisor.h"
#include "fs/supervisor/worker_link.h"
#include "tests/support/fs/raw_fuse.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

// A daemon as small as it can be, for the tests of the supervisor:
//   PROGRAM supervise OPTION…   the supervisor; its worker is `PROGRAM work OPTION…`
// Options of the worker:
//   --mount KIND:TARGET   mount it (unless it is inherited) and serve it
//   --channels N          descriptors per mount
//   --hold FILE           while FILE exists, reads are not answered
//   --mute                mount, but read no request at all
//   --crash-if FILE       while FILE exists, die right after the start
//   --fail STATUS         exit with STATUS before being ready
//   --stop-deadline MS    of the supervisor
//   --ignore-term         do not stop when asked to
namespace {

using weft::fs::MountHandle;
using weft::testing::RawFuseServer;

struct Options {
  std::vector<std::pair<weft::fs::TargetKind, std::string>> mounts;
  unsigned channels = 2;
  std::string hold;
  std::string crash_if;
  bool mute = false;
  bool ignore_term = false;
  int fail = 0;
  std::chrono::milliseconds stop_deadline{20'000};
};

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    const auto value = [&] { return arguments.at(++i); };
    if (name == "--mount") {
      const std::string text = value();
      const std::size_t colon = text.find(':');
      const bool file = text.substr(0, colon) == "file";
      options.mounts.emplace_back(
          file ? weft::fs::TargetKind::file : weft::fs::TargetKind::directory,
          text.substr(colon + 1));
    } else if (name == "--channels") {
      options.channels = static_cast<unsigned>(std::stoul(value()));
    } else if (name == "--hold") {
      options.hold = value();
    } else if (name == "--crash-if") {
      options.crash_if = value();
    } else if (name == "--fail") {
      options.fail = std::stoi(value());
    } else if (name == "--stop-deadline") {
      options.stop_deadline = std::chrono::milliseconds(std::stoi(value()));
    } else if (name == "--mute") {
      options.mute = true;
    } else if (name == "--ignore-term") {
      options.ignore_term = true;
    }
  }
  return options;
}

[[noreturn]] void give_up(const weft::Error& error) {
  std::fprintf(stderr, "worker: %s\n", error.message().c_str());
  std::_Exit(3);
}

std::vector<MountHandle> all_mounts(weft::fs::WorkerLink& link, const Options& options) {
  auto handles = link.inherited();
  if (!handles) give_up(handles.error());
  for (const auto& [kind, target] : options.mounts) {
    const bool have = std::ranges::any_of(
        *handles, [&](const MountHandle& handle) { return handle.spec.target == target; });
    if (have) continue;
    auto handle = link.mount({target, kind, "description of " + target}, options.channels);
    if (!handle) give_up(handle.error());
    handles->push_back(std::move(*handle));
  }
  return std::move(*handles);
}

int work(const Options& options) {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  if (options.fail != 0) return options.fail;

  auto link = weft::fs::connect_mount_keeper(weft::fs::take_supervisor_socket());
  std::vector<MountHandle> handles = all_mounts(*link, options);
  const std::size_t count = handles.size();
  const bool inherited = count > 0 && handles[0].inherited;
  std::atomic<int> holding{0};
  const auto hold = [&](std::uint64_t) {
    const bool held = !options.hold.empty() && std::filesystem::exists(options.hold);
    if (held) std::fprintf(stderr, "holding %d\n", ++holding);
    return held;
  };
  std::vector<std::unique_ptr<RawFuseServer>> servers;
  for (MountHandle& handle : handles) {
    servers.push_back(std::make_unique<RawFuseServer>(std::move(handle), hold));
    if (!options.mute) servers.back()->start();
  }
  if (auto told = link->report_ready(); !told) give_up(told.error());
  std::fprintf(stderr, "worker %d ready, %zu mounts%s\n", ::getpid(), count,
               inherited ? " inherited" : "");
  if (!options.crash_if.empty() && std::filesystem::exists(options.crash_if)) std::abort();
  int number = 0;
  do {
    ::sigwait(&stop, &number);
  } while (options.ignore_term);
  std::fprintf(stderr, "worker %d stops\n", ::getpid());
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return 2;
  const Options options = parse(arguments);
  if (arguments[0] == "work") return work(options);
  weft::fs::SupervisorOptions supervisor;
  supervisor.arguments.assign(argv, argv + argc);
  supervisor.arguments[1] = "work";
  supervisor.stop_deadline = options.stop_deadline;
  if (const char* fd = std::getenv("READY_FD")) supervisor.ready.reset(std::atoi(fd));
  return weft::fs::run_supervisor(std::move(supervisor));
}
