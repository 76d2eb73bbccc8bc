// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_table.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <chrono>
#include <cstddef>
#include <string>
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

/// "in use by qemu-system-x86 (pid 4711), cp (pid 4712)"; "in use" without users.
[[nodiscard]] std::string describe(const std::vector<MountUser>& users);

/// Completes a target_busy error with who uses `entry` and what to do about it.
void add_users(Error& busy, const MountEntry& entry);
/// The same for the mount of `device`, wherever it is.
void name_users(Error& busy, DeviceId device);

}  // namespace weft::fs
