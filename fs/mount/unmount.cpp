// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/unmount.h"

#include "fs/mount/mount_users.h"

#include <cerrno>

#include <sys/mount.h>

namespace weft::fs {
namespace {

Result<void> umount_now(const MountEntry& entry, int flags) {
  WEFT_TRY(const MountTable table, MountTable::read());
  const MountEntry* top = table.at(entry.point);
  if (top == nullptr) return {};
  if (top->device != entry.device) {
    // umount2 takes a path: it would take the covering mount away.
    return fail(Errc::target_busy, Operation::umount,
                entry.point + ": covered by a mount of type " + top->type + "; unmount that first");
  }
  if (::umount2(entry.point.c_str(), flags | UMOUNT_NOFOLLOW) == 0) return {};
  switch (errno) {
    case EINVAL:  // no longer a mount point
    case ENOENT:
      return {};
    case EBUSY:
      return fail(Errc::target_busy, Operation::umount, entry.point);
    case EPERM:
    case EACCES:
      return fail(Errc::not_permitted, Operation::umount,
                  entry.point + ": unmounting needs root (CAP_SYS_ADMIN)");
    default:
      return fail_errno(errno, Operation::umount, entry.point);
  }
}

}  // namespace

Result<void> unmount(const MountEntry& entry) {
  return umount_now(entry, 0);
}

Result<void> detach(const MountEntry& entry, bool abort) {
  return umount_now(entry, MNT_DETACH | (abort ? MNT_FORCE : 0));
}

Result<void> unmount_at(std::string_view point, bool force) {
  WEFT_TRY(const MountTable table, MountTable::read());
  const MountEntry* entry = table.at(point);
  if (entry == nullptr || !entry->is_weft()) {
    return fail(Errc::not_mounted, Operation::umount, std::string(point));
  }
  auto done = force ? detach(*entry, true) : unmount(*entry);
  if (!done && done.error().is(Errc::target_busy)) add_users(done.error(), *entry);
  return done;
}

}  // namespace weft::fs
