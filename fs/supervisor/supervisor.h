// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/hand_over.h"
#include "indexer/core/clock.h"
#include "indexer/core/unique_fd.h"

#include <chrono>
#include <string>
#include <vector>

namespace weft::fs {

struct SupervisorOptions {
  /// Program of the worker; the default is this very program, even after an upgrade has replaced
  /// its file.
  std::string executable = "/proc/self/exe";
  /// The worker's command line, argv[0] included.
  std::vector<std::string> arguments{};
  /// Gets the line "ready\n" when the first worker is ready, and is then closed; closed without it
  /// if that worker fails. Independent of it, READY=1 goes to $NOTIFY_SOCKET (systemd).
  UniqueFd ready{};
  /// How long an orderly stop may take before the worker is killed and what is left is unmounted
  /// by force.
  Duration stop_deadline = std::chrono::seconds(20);
  HandOver::Limits hand_over{};
};

/// The small process that owns /dev/fuse and the mounts, so that they outlive the worker that
/// serves them.
///
/// Starts the worker, mounts and unmounts for it, and starts a successor when it dies: at once, and
/// with growing pauses if it dies again and again (see restart_policy.h). The successor inherits
/// the live mounts with their descriptors, and requests that were in flight are answered by it.
///
/// Replaces the worker by one of another binary when it asks for that (hand_over.h); from then on
/// successors are started from that binary. This process itself stays what it is.
///
/// Ends when a worker exits with 0, on SIGTERM, SIGINT or SIGHUP (passed on to the worker as
/// SIGTERM; repeated signals change nothing), or when the first worker ends before it reported
/// ready. Mounts that are left are unmounted, by force if they are busy. Returns the exit status
/// for the process: 0 after an orderly stop, else the worker's, 128 + signal if it was killed.
///
/// Call it from a process that has no other threads and has not opened the node's state: it blocks
/// signals, raises RLIMIT_NOFILE to its hard limit and forks. Killing it (SIGKILL) does not end the
/// worker, see worker_link.h.
[[nodiscard]] int run_supervisor(SupervisorOptions options);

}  // namespace weft::fs
