// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/clock.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace weft::fs {

/// A worker of another binary that could take over.
struct Candidate {
  std::uint32_t process_id = 0;
  std::string build;
};

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
/// further mounts and unmounts are done by this process itself. A worker that had suspended for a
/// hand-over inherits from itself what it served. Such a worker has no successor: when it ends, its
/// mounts end.
class WorkerLink : public MountKeeper {
 public:
  /// The node answers requests: the supervisor tells whoever started it (pipe, systemd). A worker
  /// that ends before this has failed to start and is not restarted if it was the first.
  [[nodiscard]] virtual Result<void> report_ready() = 0;
  /// False once the supervisor is lost.
  [[nodiscard]] virtual bool supervised() const noexcept = 0;

  // --- An upgrade (hand_over.h), seen from the worker that serves.
  /// Waits until a worker of `binary` (absolute) stands by. Then suspend, and `hand_over`. An
  /// error: there is none, and nothing has changed.
  [[nodiscard]] virtual Result<Candidate> prepare_upgrade(const std::string& binary) = 0;
  /// Nothing is served and the state directory is free; waits until that worker serves. Success:
  /// end, with status 0. An error: go on serving; all mounts are inherited again.
  [[nodiscard]] virtual Result<void> hand_over() = 0;

  // --- The same seen from the candidate.
  /// Says that this process could serve; returns when it is to begin.
  [[nodiscard]] virtual Result<void> stand_by(const std::string& build) = 0;
  /// Says why it cannot. Then end.
  virtual void refuse(const Error& why) = 0;
};

struct WorkerLinkOptions {
  Duration call_deadline = std::chrono::seconds(10);
  /// For what the supervisor itself limits (HandOver::Limits): a last resort, longer than those.
  Duration upgrade_deadline = std::chrono::minutes(10);
};

/// The socket inherited from the supervisor, or none if this process is not a worker. Removes it
/// from the environment, so that it is found once and children do not inherit it.
[[nodiscard]] UniqueFd take_supervisor_socket();
/// Whether this process was started as a candidate; removed from the environment, too.
[[nodiscard]] bool take_standby();

[[nodiscard]] std::unique_ptr<WorkerLink> connect_mount_keeper(UniqueFd socket,
                                                               WorkerLinkOptions options = {});

}  // namespace weft::fs
