// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_table.h"
#include "fs/supervisor/mount_keeper.h"

#include <cstdint>
#include <string>
#include <vector>

/// The system calls behind a mount, shared by the supervisor and the direct keeper.
namespace weft::fs {

/// Largest read request of the kernel. O_DIRECT files are answered with FOPEN_DIRECT_IO; their
/// synchronous reads are sent piece by piece, so that 1 MiB at once is nearly twice as fast as
/// 128 KiB. The session announces the same value.
inline constexpr std::uint32_t max_read_bytes = 1024 * 1024;

/// Read-ahead of buffered readers; with the kernel's default of 128 KiB a sequential reader waits
/// for a round trip to the worker every 128 KiB.
inline constexpr std::uint32_t read_ahead_bytes = 1024 * 1024;

/// More would only cost descriptors: one per thread, one thread per CPU at most.
inline constexpr unsigned max_channels = 1024;

struct FuseMount {
  std::string target;
  DeviceId device;
  std::vector<UniqueFd> channels;       ///< as in MountHandle
  std::vector<std::byte> init_request;  ///< as in MountHandle
  UniqueFd opens;                       ///< as in MountHandle
};

/// Opens /dev/fuse, mounts, clones the channel, reads the kernel's INIT request and raises the
/// read-ahead. Nothing is left behind on failure. Never touches the new mount, which nobody serves
/// yet.
///
/// The INIT request offers the raised read-ahead as `max_readahead`: a session that accepts what it
/// is offered keeps it, where the kernel's own figure (128 KiB) would undo it.
///
/// Errc::already_mounted: a live mount is there (one whose connection is dead is detached).
/// Errc::not_permitted: not root, or no /dev/fuse. Else errno.
[[nodiscard]] Result<FuseMount> open_fuse_mount(const std::string& target, TargetKind kind,
                                                unsigned channels, bool writable = false);

/// Unmounts every mount of `device`, whose connection the caller knows to be alive. Success if
/// there is none (any more). Errc::target_busy unless `force`, which ends all requests with an
/// error and detaches.
[[nodiscard]] Result<void> close_fuse_mount(DeviceId device, bool force);

/// Detaches what is left in the mount table of a connection that was cut. Device numbers are
/// reused: a mount that answers is not touched.
void detach_dead(DeviceId device);

/// False once the kernel has cut the connection: unmounted, or aborted. Not meant for waiting: a
/// poll on the descriptor wakes with every request.
[[nodiscard]] bool is_connected(const UniqueFd& channel);

}  // namespace weft::fs
