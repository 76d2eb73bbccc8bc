// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/worker_process.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::fs {
namespace {

constexpr int exit_cannot_execute = 127;

/// This process's environment, but for what concerns the supervisor alone.
std::vector<std::string> worker_environment(int socket, bool standby) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    if (name != socket_variable && name != standby_variable && name != "NOTIFY_SOCKET") {
      result.emplace_back(text);
    }
  }
  if (standby) result.push_back(std::string(standby_variable) + "=1");
  result.push_back(std::string(socket_variable) + "=" + std::to_string(socket));
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings)
    result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void execute(const char* executable, char** arguments, char** environment, int socket,
                          const sigset_t& mask) {
  ::fcntl(socket, F_SETFD, 0);
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::execve(executable, arguments, environment);
  ::dprintf(2, "weft: cannot start the worker %s: %s\n", executable, std::strerror(errno));
  ::_exit(exit_cannot_execute);
}

}  // namespace

std::string ProcessEnd::describe() const {
  if (!signalled) return "exited with status " + std::to_string(code);
  const char* name = ::sigabbrev_np(code);
  return "was killed by " +
         (name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(code));
}

Result<WorkerProcess> WorkerProcess::start(const std::string& executable,
                                           const std::vector<std::string>& arguments,
                                           const UniqueFd& socket, const sigset_t& mask,
                                           bool standby) {
  std::vector<std::string> argument_strings = arguments;
  std::vector<std::string> environment_strings = worker_environment(socket.get(), standby);
  const std::vector<char*> argv = pointers(argument_strings);
  const std::vector<char*> environment = pointers(environment_strings);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, Operation::serve, "cannot start the worker");
  if (pid == 0) {
    execute(executable.c_str(), const_cast<char**>(argv.data()),
            const_cast<char**>(environment.data()), socket.get(), mask);
  }
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!handle) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno(error, Operation::serve, "cannot watch the worker (pidfd_open)");
  }
  return WorkerProcess(pid, std::move(handle));
}

void WorkerProcess::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<ProcessEnd> WorkerProcess::reap() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  return WIFSIGNALED(status) ? ProcessEnd{true, WTERMSIG(status)}
                             : ProcessEnd{false, WEXITSTATUS(status)};
}

}  // namespace weft::fs
