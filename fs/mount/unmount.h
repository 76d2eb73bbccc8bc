// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_table.h"
#include "indexer/core/error.h"

#include <string_view>

namespace weft::fs {

/// Unmounts `entry`. Errc::target_busy, without a search for who uses it; not an error if it is
/// gone already.
[[nodiscard]] Result<void> unmount(const MountEntry& entry);

/// Detaches `entry` at once; those who still use it keep what they have open. With `abort` every
/// request of it, waiting or to come, ends with an error.
[[nodiscard]] Result<void> detach(const MountEntry& entry, bool abort);

/// Unmounts the weft mount at exactly `point` (absolute, real), whoever serves it: for a daemon
/// that is gone. Errc::not_mounted; Errc::target_busy names the processes. With `force` it is
/// detached and aborted although it is in use.
[[nodiscard]] Result<void> unmount_at(std::string_view point, bool force);

}  // namespace weft::fs
