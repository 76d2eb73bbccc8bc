// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/clock.h"

#include <chrono>
#include <memory>

namespace weft::fs {

/// A worker's link to its supervisor.
///
/// Lifecycle: a process that the supervisor started finds the socket with
/// `take_supervisor_socket()` (before it starts threads), connects, serves what `inherited()`
/// returns, and then reports ready. The link has a small thread of its own that receives replies.
///
/// Thread-safe. Every call waits at most `WorkerLinkOptions::call_deadline` and then fails with
/// Errc::deadline_passed; a mount that completes after its caller gave up is unmounted again.
///
/// If the supervisor is lost (killed), that is logged once, live mounts go on being served, and
/// further mounts and unmounts are done by this process itself. Such a worker has no successor:
/// when it ends, its mounts end.
class WorkerLink : public MountKeeper {
 public:
  /// The node answers requests: the supervisor tells whoever started it (pipe, systemd). A worker
  /// that ends before this has failed to start and is not restarted if it was the first.
  [[nodiscard]] virtual Result<void> report_ready() = 0;
  /// False once the supervisor is lost.
  [[nodiscard]] virtual bool supervised() const noexcept = 0;
};

struct WorkerLinkOptions {
  Duration call_deadline = std::chrono::seconds(10);
};

/// The socket inherited from the supervisor, or none if this process is not a worker. Removes it
/// from the environment, so that it is found once and children do not inherit it.
[[nodiscard]] UniqueFd take_supervisor_socket();

[[nodiscard]] std::unique_ptr<WorkerLink> connect_mount_keeper(UniqueFd socket,
                                                               WorkerLinkOptions options = {});

}  // namespace weft::fs
