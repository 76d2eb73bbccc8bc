// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fs {

struct TargetOptions {
  bool create = false;  ///< make a missing directory (its parent must exist)
  /// Absolute real paths a target may not lie in: the state directory, where a mount would hide
  /// what it is served from.
  std::vector<std::string> forbidden{};
  /// How long another FUSE mount on the way, or a weft mount found at the target, may take to
  /// answer before it counts as hung.
  Duration probe_deadline = std::chrono::seconds(2);
};

struct PreparedTarget {
  std::string path;  ///< absolute, symlinks resolved
  TargetKind kind = TargetKind::directory;
  bool created = false;  ///< by `TargetOptions::create`: remove it after unmounting
};

/// Makes `path` usable as a mount target: an empty directory or a regular file that carries no
/// mount. Removes what a crashed daemon left there: a weft mount whose connection is dead is
/// detached and logged.
///
/// Errc::bad_target: missing, not empty, of another type, or inside a weft mount or a forbidden
/// directory. Errc::already_mounted: carries a mount that is in use. Errc::not_permitted: cannot be
/// entered or created. Errc::deadline_passed: lies on a mount that does not answer.
///
/// Blocks for `probe_deadline` at most per FUSE mount on the way: call it from a worker thread,
/// not from the I/O thread. Never waits for a hung mount: the mount table is asked before any path
/// is touched, and mounts that may hang are touched by a child process that can be killed.
[[nodiscard]] Result<PreparedTarget> prepare_target(std::string_view path,
                                                    const TargetOptions& options);

}  // namespace weft::fs
