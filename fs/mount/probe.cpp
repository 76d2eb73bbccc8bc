// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/probe.h"

#include "indexer/core/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weft::fs {
namespace {

enum : int { status_answers = 0, status_dead = 1 };

/// Only async-signal-safe calls: other threads of the parent may have held any lock at the fork.
[[noreturn]] void touch(const char* path) {
  // This process must not keep the parent's descriptors (sockets, /dev/fuse) alive if it hangs.
  static_cast<void>(::syscall(SYS_close_range, 0U, ~0U, 0U));
  struct statx attributes;
  const int result = ::statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC | AT_NO_AUTOMOUNT,
                             STATX_BASIC_STATS, &attributes);
  const bool dead =
      result != 0 && (errno == ENOTCONN || errno == ECONNABORTED || errno == ECONNREFUSED);
  ::_exit(dead ? status_dead : status_answers);
}

bool wait_readable(int fd, Duration timeout) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(std::clamp<long>(ms, 0, 60'000))) > 0;
}

}  // namespace

Liveness probe(const std::string& path, Duration deadline) {
  const pid_t child = ::fork();
  if (child == 0) touch(path.c_str());
  if (child < 0) return Liveness::hung;
  const UniqueFd exited(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const bool in_time = exited && wait_readable(exited.get(), deadline);
  if (!in_time) {
    ::kill(child, SIGKILL);
    // Whoever waits for a request that is being served dies only when it is answered; then the
    // zombie stays, which is better than to hang with it.
    if (exited && !wait_readable(exited.get(), std::chrono::milliseconds(200))) {
      return Liveness::hung;
    }
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return Liveness::hung;
  return WEXITSTATUS(status) == status_dead ? Liveness::dead : Liveness::answers;
}

}  // namespace weft::fs
