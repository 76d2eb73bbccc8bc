// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace weft::fs {

/// Names the worker's socket in its environment, by descriptor number.
inline constexpr const char* socket_variable = "WEFT_SUPERVISOR_FD";

/// In the environment of a candidate: it says that it stands by before it serves.
inline constexpr const char* standby_variable = "WEFT_STANDBY";

/// How a process ended.
struct ProcessEnd {
  bool signalled = false;
  int code = 0;  ///< exit status, or the signal

  /// As a shell says it: 128 + signal.
  [[nodiscard]] int exit_status() const { return signalled ? 128 + code : code; }
  [[nodiscard]] std::string describe() const;
};

/// A running worker. Destruction neither kills nor reaps it.
class WorkerProcess {
 public:
  /// forks and executes; the child gets `socket` and the signal mask `mask`, no other descriptor
  /// above 2 that is close-on-exec. The calling process must have one thread. `standby`: it is a
  /// candidate.
  [[nodiscard]] static Result<WorkerProcess> start(const std::string& executable,
                                                   const std::vector<std::string>& arguments,
                                                   const UniqueFd& socket, const sigset_t& mask,
                                                   bool standby = false);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable when the process has ended.
  [[nodiscard]] int descriptor() const { return handle_.get(); }
  void signal(int number) const;
  /// None while it runs.
  [[nodiscard]] std::optional<ProcessEnd> reap();

 private:
  WorkerProcess(pid_t pid, UniqueFd handle) : pid_(pid), handle_(std::move(handle)) {}

  pid_t pid_;
  UniqueFd handle_;  ///< pidfd
};

}  // namespace weft::fs
