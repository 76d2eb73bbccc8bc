// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/fuse_mount.h"
#include "fs/supervisor/mount_keeper.h"

#include <cstdint>
#include <map>
#include <string>

namespace weft::fs {

/// A mount as its owner keeps it, with the descriptors that keep it alive.
struct HeldMount {
  MountKey key{};
  MountSpec spec;
  FuseMount fuse;
  std::uint64_t generation = 0;  ///< of the worker that asked for it
};

/// All mounts that one owner (the supervisor, or a direct keeper) holds. One thread uses it.
/// Destruction closes the descriptors and leaves the mounts to who else holds them.
class MountRegistry {
 public:
  /// Keys start above `last_key`.
  explicit MountRegistry(MountKey last_key = MountKey{0}) : last_key_(last_key) {}

  /// Errors as `MountKeeper::mount`. The result is valid until the mount goes.
  [[nodiscard]] Result<const HeldMount*> mount(MountSpec spec, unsigned channels);
  /// Errc::not_mounted, Errc::target_busy. Success means that the descriptors are closed.
  [[nodiscard]] Result<void> unmount(MountKey key, bool force);
  /// Closes the descriptors if the kernel has cut the connection, and detaches what is left of the
  /// mount. A live mount is kept: the claim that it is gone was wrong.
  void forget(MountKey key);

  /// From now on all mounts held are inherited.
  void begin_generation() { ++generation_; }
  /// The first inherited mount with a key above `after`; null if there is none.
  [[nodiscard]] const HeldMount* next_inherited(MountKey after) const;

  /// Forgets all mounts whose connection was cut, by umount(8) or an abort. True if a mount is no
  /// longer in the mount table but still in use (`umount -l`): nothing tells when it ends, so ask
  /// again later.
  bool sweep();
  /// By force where it is busy; logs what could not be unmounted.
  void unmount_all();

  [[nodiscard]] const HeldMount* find(MountKey key) const;
  [[nodiscard]] std::size_t size() const { return mounts_.size(); }

 private:
  void drop_dead(const HeldMount& mount);

  std::map<MountKey, HeldMount> mounts_;
  MountKey last_key_;
  std::uint64_t generation_ = 0;
};

/// What a session gets: descriptors of its own. `inherited` as in MountHandle.
[[nodiscard]] Result<MountHandle> duplicate(const HeldMount& mount, bool inherited);

}  // namespace weft::fs
