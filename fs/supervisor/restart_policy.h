// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/worker_process.h"
#include "indexer/core/clock.h"

#include <chrono>

namespace weft::fs {

/// Decides what follows the end of a worker. Pure.
///
/// - A worker that exits with 0 has stopped in good order: so does the supervisor.
/// - The first worker ended before it was ready (bad configuration, state in use): that is the
///   daemon's failure to start, with the worker's exit status.
/// - Any other end: a successor, at once; after each further end within `stable_after` of the start
///   the pause grows, 0.1 s, 0.2 s … 10 s.
/// - While mounts exist this never ends: each guest on them waits for a successor. Without mounts,
///   `give_up_after` quick ends in a row are the failure of the daemon.
class RestartPolicy {
 public:
  static constexpr Duration stable_after = std::chrono::seconds(30);
  static constexpr Duration first_pause = std::chrono::milliseconds(100);
  static constexpr Duration longest_pause = std::chrono::seconds(10);
  static constexpr unsigned give_up_after = 10;

  struct Verdict {
    bool restart = false;
    Duration pause{};     ///< if `restart`
    int exit_status = 0;  ///< if not
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };

  void on_ready() { ever_ready_ = true; }
  /// `lived`: since the worker's start.
  [[nodiscard]] Verdict on_end(const ProcessEnd& end, Duration lived, bool mounts_exist);

 private:
  bool ever_ready_ = false;
  unsigned quick_ends_ = 0;  ///< in a row
};

}  // namespace weft::fs
