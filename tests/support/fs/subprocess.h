// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace weft::testing {

struct SubprocessOptions {
  std::vector<std::string> environment{};  ///< "NAME=value", added to this process's own
  std::string directory{};                 ///< working directory; empty: this process's
  std::vector<int>
      inherit{};  ///< descriptors the child keeps under the same number; besides 0, 1, 2
  /// Most bytes of output kept; what comes after is read and dropped.
  std::size_t capture_limit = std::size_t{16} << 20;
};

/// How a child ended.
struct ExitStatus {
  bool signalled = false;
  int code = 0;  ///< exit status, or the signal
  [[nodiscard]] bool ok() const { return !signalled && code == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

/// A child process with its output captured; stdin is /dev/null. The destructor kills and reaps it.
/// One thread uses it; output is drained inside the waiting calls, so a child that writes more than
/// a pipe holds goes on only while somebody waits.
class Subprocess {
 public:
  /// Starts `argv` (argv[0] is looked up in PATH). Throws std::system_error if it cannot be
  /// started.
  explicit Subprocess(std::vector<std::string> argv, SubprocessOptions options = {});
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// None if it still runs after `timeout`. Output of a finished child is complete.
  [[nodiscard]] std::optional<ExitStatus> wait(std::chrono::milliseconds timeout);
  /// Waits until stdout or stderr contains `text`; false after `timeout` or when the child has
  /// ended without it.
  [[nodiscard]] bool wait_for_output(std::string_view text, std::chrono::milliseconds timeout);
  [[nodiscard]] bool running();
  void signal(int number) const;
  /// SIGKILL and reap.
  void kill();

  [[nodiscard]] const std::string& out() const noexcept { return out_; }
  [[nodiscard]] const std::string& err() const noexcept { return err_; }

 private:
  void pump(std::chrono::milliseconds timeout);

  pid_t pid_ = -1;
  std::size_t limit_ = 0;
  UniqueFd exited_;  ///< pidfd: readable when the child has ended
  UniqueFd out_pipe_;
  UniqueFd err_pipe_;
  std::string out_;
  std::string err_;
  std::optional<ExitStatus> status_;
};

struct Finished {
  ExitStatus status;
  std::string out;
  std::string err;
};
/// Runs to the end; kills it after `timeout`, which then shows as SIGKILL in the status.
[[nodiscard]] Finished run(std::vector<std::string> argv,
                           std::chrono::milliseconds timeout = std::chrono::seconds(30),
                           SubprocessOptions options = {});

}  // namespace weft::testing
