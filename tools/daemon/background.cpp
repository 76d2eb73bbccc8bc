// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/background.h"

#include "indexer/core/clock.h"
#include "indexer/core/unique_fd.h"
#include "tools/api/error_json.h"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::tools {
namespace {

// Opening a state directory after a crash may hash a lot.
constexpr auto start_limit = std::chrono::minutes(30);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, Operation::control, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Descriptors of the child. A source that already has a target's number would be overwritten
/// before it is copied, so all sources are moved above the targets first.
Result<UniqueFd> above_targets(const UniqueFd& fd) {
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 16));
  if (!moved) return fail_errno(errno, Operation::control, "dup");
  return moved;
}

class SpawnSetup {
 public:
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  void give(const UniqueFd& fd, int as) {
    ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), as);
  }
  Result<pid_t> spawn(const std::vector<std::string>& arguments) {
    std::vector<std::string> owned{"weft"};
    owned.insert(owned.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& argument : owned)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int problem =
        ::posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, argv.data(), environ);
    if (problem != 0) return fail_errno(problem, Operation::control, "start a background node");
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// Reads until the end, a line, or the deadline.
Result<std::string> read_line(int fd, const std::stop_token& stop, TimePoint deadline) {
  std::string text;
  while (!text.contains('\n')) {
    if (stop.stop_requested()) return fail(Errc::cancelled, Operation::control);
    if (steady_clock().now() >= deadline) {
      return fail(Errc::deadline_passed, Operation::control, "the background node does not start");
    }
    pollfd entry{fd, POLLIN, 0};
    if (::poll(&entry, 1, 100) <= 0) continue;
    std::array<char, 4096> buffer{};
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

Error start_error(std::string_view report, const std::filesystem::path& log) {
  boost::system::error_code problem;
  const auto value = boost::json::parse(report.substr(0, report.find('\n')), problem);
  if (!problem && value.is_object()) return error_from_json(value.get_object());
  return {make_error_code(Errc::no_daemon), Operation::control,
          fmt::format("the background node ended while starting: see {}", log.string())};
}

Result<void> make_state_directory(const std::filesystem::path& state) {
  std::error_code problem;
  std::filesystem::create_directories(state, problem);
  if (problem) return fail_errno(problem.value(), Operation::open, state.string());
  return {};
}

}  // namespace

Result<void> start_in_background(const BackgroundNode& node, std::stop_token stop) {
  WEFT_CHECK(make_state_directory(node.state));
  UniqueFd log(::open(node.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return fail_errno(errno, Operation::open, node.log.string());
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  WEFT_TRY(auto ready, make_pipe());
  WEFT_TRY(auto report, make_pipe());
  WEFT_TRY(auto ready_end, above_targets(ready.write));
  WEFT_TRY(auto report_end, above_targets(report.write));
  WEFT_TRY(const auto log_end, above_targets(log));
  WEFT_TRY(const auto null_end, above_targets(null));
  SpawnSetup setup;
  setup.give(null_end, STDIN_FILENO);
  setup.give(report_end, report_descriptor);
  setup.give(log_end, STDERR_FILENO);
  setup.give(ready_end, ready_descriptor);
  WEFT_TRY(const auto pid, setup.spawn(node.arguments));
  // Only the child may hold the writing ends, or the pipes would never end.
  for (auto* end : {&ready.write, &ready_end, &report.write, &report_end})
    end->reset();
  const auto deadline = steady_clock().now() + start_limit;
  auto line = read_line(ready.read.get(), stop, deadline);
  if (line && *line == "ready\n") return {};
  ::kill(pid, SIGTERM);
  if (!line) return std::unexpected(std::move(line).error());
  WEFT_TRY(const auto text, read_line(report.read.get(), stop, deadline));
  int status = 0;
  ::waitpid(pid, &status, 0);
  return std::unexpected(start_error(text, node.log));
}

}  // namespace weft::tools
