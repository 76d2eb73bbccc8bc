// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a worker needs from the supervisor, which owns /dev/fuse and the mounts.
namespace weft::fs {

enum class TargetKind : std::uint8_t {
  directory,  ///< the image appears as TARGET/<name>.raw
  file        ///< the image appears as TARGET itself
};

[[nodiscard]] std::string_view to_string(TargetKind kind) noexcept;

enum class MountKey : std::uint64_t {};

struct MountSpec {
  std::string target;  ///< absolute, symlinks resolved
  TargetKind kind = TargetKind::directory;
  /// What the worker needs to serve the mount again after a restart. Opaque to the supervisor,
  /// at most 64 KiB.
  std::string description{};
  /// A disk: the kernel lets writes through.
  bool writable = false;
};

/// A live mount as handed to a worker. The descriptors are duplicates: the supervisor keeps its own
/// until the mount is gone.
struct MountHandle {
  MountKey key{};
  MountSpec spec;
  /// /dev/fuse connections to the same mount: [0] the original, the rest clones, one per thread.
  std::vector<UniqueFd> channels;
  /// The kernel's INIT request, read by the supervisor. A worker replays it into libfuse and sends
  /// the answer; ENOENT on that write means that a predecessor has answered already.
  std::vector<std::byte> init_request;
  /// Memory that lives as long as the mount, for what a worker must remember of its opens
  /// (`OpenTable`). None if the supervisor is of a version that does not keep it.
  UniqueFd opens{};
  /// True if an earlier worker may have taken requests it did not answer: ask the kernel to send
  /// them again (FUSE_NOTIFY_RESEND) once the session is ready.
  bool inherited = false;
};

class MountKeeper {
 public:
  virtual ~MountKeeper() = default;
  /// Errc::already_mounted, bad_target, not_permitted, errno of mount(2).
  [[nodiscard]] virtual Result<MountHandle> mount(MountSpec spec, unsigned channels) = 0;
  /// Errc::target_busy unless `force`, which ends all requests with an error and detaches lazily.
  [[nodiscard]] virtual Result<void> unmount(MountKey key, bool force) = 0;
  /// Mounts that outlived an earlier worker: to be served by this one.
  [[nodiscard]] virtual Result<std::vector<MountHandle>> inherited() = 0;
  /// The mount is gone (umount(8) by an admin): the supervisor may close its descriptors.
  virtual void forget(MountKey key) = 0;
  /// Other processes have the mounts, too: one that fails to serve leaves them to those.
  [[nodiscard]] virtual bool shared() const noexcept { return false; }
};

}  // namespace weft::fs
