// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/direct_keeper.h"

#include "fs/mount/mount_users.h"
#include "fs/supervisor/mount_registry.h"
#include "indexer/core/mutex.h"

namespace weft::fs {
namespace {

class DirectKeeper final : public MountKeeper {
 public:
  explicit DirectKeeper(MountKey last_key) : mounts_(last_key) {}

  Result<MountHandle> mount(MountSpec spec, unsigned channels) override {
    const Lock lock(mutex_);
    WEFT_TRY(const HeldMount* held, mounts_.mount(std::move(spec), channels));
    auto handle = duplicate(*held, false);
    if (!handle) static_cast<void>(mounts_.unmount(held->key, true));
    return handle;
  }

  Result<void> unmount(MountKey key, bool force) override {
    Result<void> done;
    DeviceId device;
    {
      const Lock lock(mutex_);
      if (const HeldMount* held = mounts_.find(key)) device = held->fuse.device;
      done = mounts_.unmount(key, force);
    }
    if (!done && done.error().is(Errc::target_busy)) name_users(done.error(), device);
    return done;
  }

  Result<std::vector<MountHandle>> inherited() override { return std::vector<MountHandle>{}; }

  void forget(MountKey key) override {
    const Lock lock(mutex_);
    mounts_.forget(key);
  }

 private:
  Mutex mutex_;
  MountRegistry mounts_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<MountKeeper> make_direct_mount_keeper(MountKey last_key) {
  return std::make_unique<DirectKeeper>(last_key);
}

}  // namespace weft::fs
