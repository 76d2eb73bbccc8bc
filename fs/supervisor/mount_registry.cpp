// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/mount_registry.h"

#include "fs/mount/unmount.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace weft::fs {

Result<const HeldMount*> MountRegistry::mount(MountSpec spec, unsigned channels) {
  WEFT_TRY(FuseMount fuse, open_fuse_mount(spec.target, spec.kind, channels, spec.writable));
  last_key_ = MountKey{std::to_underlying(last_key_) + 1};
  HeldMount held{last_key_, std::move(spec), std::move(fuse), generation_};
  return &mounts_.emplace(last_key_, std::move(held)).first->second;
}

Result<void> MountRegistry::unmount(MountKey key, bool force) {
  const auto it = mounts_.find(key);
  if (it == mounts_.end()) return fail(Errc::not_mounted, Operation::umount);
  if (!is_connected(it->second.fuse.channels[0])) {
    // Its device number may belong to another mount by now.
    drop_dead(it->second);
    return {};
  }
  WEFT_CHECK(close_fuse_mount(it->second.fuse.device, force));
  mounts_.erase(it);
  return {};
}

void MountRegistry::drop_dead(const HeldMount& mount) {
  spdlog::info("{}: the mount is gone", mount.spec.target);
  detach_dead(mount.fuse.device);
  mounts_.erase(mount.key);
}

void MountRegistry::forget(MountKey key) {
  const HeldMount* mount = find(key);
  if (mount != nullptr && !is_connected(mount->fuse.channels[0])) drop_dead(*mount);
}

const HeldMount* MountRegistry::find(MountKey key) const {
  const auto it = mounts_.find(key);
  return it == mounts_.end() ? nullptr : &it->second;
}

const HeldMount* MountRegistry::next_inherited(MountKey after) const {
  for (auto it = mounts_.upper_bound(after); it != mounts_.end(); ++it) {
    if (it->second.generation < generation_) return &it->second;
  }
  return nullptr;
}

bool MountRegistry::sweep() {
  std::vector<MountKey> dead;
  for (const auto& [key, mount] : mounts_) {
    if (!is_connected(mount.fuse.channels[0])) dead.push_back(key);
  }
  for (const MountKey key : dead)
    forget(key);
  const auto table = MountTable::read();
  if (!table) return true;
  for (const auto& [key, mount] : mounts_) {
    if (table->of_device(mount.fuse.device).empty()) return true;
  }
  return false;
}

void MountRegistry::unmount_all() {
  while (!mounts_.empty()) {
    const HeldMount& mount = mounts_.begin()->second;
    const std::string target = mount.spec.target;
    auto done = unmount(mount.key, false);
    if (!done && done.error().is(Errc::target_busy)) {
      spdlog::warn("{}: in use while weft stops; its users get I/O errors", target);
      done = unmount(mount.key, true);
    }
    if (!done) {
      spdlog::error("{}", done.error().message());
      mounts_.erase(mounts_.begin());
    }
  }
}

Result<MountHandle> duplicate(const HeldMount& mount, bool inherited) {
  MountHandle handle{.key = mount.key,
                     .spec = mount.spec,
                     .channels = {},
                     .init_request = mount.fuse.init_request,
                     .inherited = inherited};
  for (const UniqueFd& channel : mount.fuse.channels) {
    UniqueFd copy(::fcntl(channel.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy) return fail_errno(errno, Operation::mount, "duplicating /dev/fuse descriptors");
    handle.channels.push_back(std::move(copy));
  }
  if (!mount.fuse.opens) return handle;  // of an older supervisor, which keeps none
  handle.opens.reset(::fcntl(mount.fuse.opens.get(), F_DUPFD_CLOEXEC, 3));
  if (!handle.opens) return fail_errno(errno, Operation::mount, "duplicating a descriptor");
  return handle;
}

}  // namespace weft::fs
