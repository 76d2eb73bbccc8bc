// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/qemu_img.h"

#include "indexer/core/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr const char* program = "qemu-img";
constexpr int exit_not_found = 127;
constexpr std::size_t most_words = 4096;
/// How soon a stop is noticed.
constexpr int poll_ms = 100;

/// Between fork and exec: system calls only, for other threads may hold any lock. execvp looks for
/// the program in PATH and allocates nothing for a name of ours.
[[noreturn]] void execute(char** arguments, int null, int messages, pid_t parent) {
  ::dup2(null, 0);
  ::dup2(null, 1);
  ::dup2(messages, 2);
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  ::setpgid(0, 0);  // ctrl-C in the terminal is for weft, which then ends this
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);
  ::execvp(program, arguments);
  ::_exit(exit_not_found);
}

std::string words_of(const UniqueFd& messages) {
  std::string text(most_words, '\0');
  const ssize_t size = ::pread(messages.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

/// Kills it before it returns if it does not end by itself.
Result<int> wait_for(pid_t pid, const UniqueFd& handle, Duration deadline,
                     const std::stop_token& stop) {
  const TimePoint until = steady_clock().now() + deadline;
  Result<int> outcome = 0;
  pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, poll_ms) <= 0) {
    if (stop.stop_requested()) {
      outcome = fail(Errc::cancelled, Operation::write);
    } else if (steady_clock().now() >= until) {
      outcome = fail(Errc::deadline_passed, Operation::write, "qemu-img does not come to an end");
    }
    if (!outcome) {
      ::kill(pid, SIGKILL);
      break;
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (outcome) *outcome = status;
  return outcome;
}

}  // namespace

Result<void> convert_to_qcow2(const std::filesystem::path& raw, const std::filesystem::path& to,
                              Duration deadline, const std::stop_token& stop) {
  std::vector<std::string> words{program, "convert", "-f", "raw", "-O", "qcow2", raw, to};
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const UniqueFd messages(::memfd_create("messages", MFD_CLOEXEC));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!messages || !null) return fail_errno(errno, Operation::write, program);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, Operation::write, program);
  if (pid == 0) execute(arguments.data(), null.get(), messages.get(), self);
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  WEFT_TRY(const int status, wait_for(pid, handle, deadline, stop));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == exit_not_found) {
    return fail(Errc::unsupported, Operation::write,
                "qcow2 is made by qemu-img, which is not installed: install the package "
                "qemu-utils");
  }
  const std::string words_said = words_of(messages);
  if (words_said.find("No space left") != std::string::npos) {
    return fail_errno(ENOSPC, Operation::write, to.string());
  }
  return fail(Errc::helper_failed, Operation::write,
              "qemu-img: " + (words_said.empty() ? "ended without a word" : words_said));
}

}  // namespace weft
