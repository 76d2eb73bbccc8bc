// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_table.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace weft::fs {

/// A process that keeps a mount busy.
struct MountUser {
  pid_t pid = 0;
  std::string command;  ///< name of its program, for messages
  friend bool operator==(const MountUser&, const MountUser&) = default;
};

/// Processes with an open file, a mapping, a working directory or a root on `entry`. Best effort:
/// sees what /proc shows of this mount namespace, and stops at `limit` users or after `deadline`.
/// Never touches the mount itself.
[[nodiscard]] std::vector<MountUser> users_of(const MountEntry& entry, std::size_t limit = 8,
                                              Duration deadline = std::chrono::milliseconds(500));

/// "in use by qemu-system-x86 (pid 4711), cp (pid 4712)"; empty without users.
[[nodiscard]] std::string describe(const std::vector<MountUser>& users);

/// Unmounts the weft mount at exactly `point` (absolute, real). Errc::not_mounted;
/// Errc::target_busy with the processes in the detail. With `force` all its requests end with an
/// error and it is detached although it is in use.
[[nodiscard]] Result<void> unmount_at(std::string_view point, bool force);

/// Detaches `entry` at once; those who still use it keep what they have open. With `abort` every
/// request of it, waiting or to come, ends with an error.
[[nodiscard]] Result<void> detach(const MountEntry& entry, bool abort);

}  // namespace weft::fs
