// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_manager.h"

#include "fs/mount/description.h"
#include "fs/mount/pack_preparer.h"
#include "fs/mount/path_walk.h"
#include "fs/mount/served_mount.h"
#include "fs/mount/target.h"
#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"
#include "indexer/store/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>

#include <pthread.h>

namespace weft::fs {
namespace {

constexpr Duration tick_interval = std::chrono::seconds(1);

unsigned channel_count(unsigned wanted) {
  if (wanted > 0) return wanted;
  return std::clamp(std::thread::hardware_concurrency(), 2u, 4u);
}

Result<void> check(const MountRequest& request) {
  if (!request.image) return fail(Errc::bad_request, Operation::mount, "no image given");
  if (!is_valid_image_name(request.name)) {
    return fail(Errc::bad_name, Operation::mount, request.name);
  }
  if (request.disk && request.disk->name() != request.name) {
    return fail(Errc::bad_request, Operation::mount, "a disk is mounted by its name");
  }
  const Duration deadline = request.policy.deadline;
  if (deadline < Duration::zero() || deadline > longest_deadline) {
    return fail(Errc::bad_request, Operation::mount, "the deadline must be 0 to 8760 hours");
  }
  return {};
}

/// It is this mount's own trouble and waiting does not help: the image or the disk is gone or
/// damaged or cannot be read, or this kernel cannot do it. Whatever else there is, such as too many
/// open files, is trouble of all mounts and may pass.
bool is_hopeless(const Error& error) {
  return error.is(Errc::unknown_image) || error.is(Errc::damaged_state) ||
         error.is(Errc::unsupported) || error.is(std::errc::io_error);
}

}  // namespace

std::string_view to_string(MountState state) noexcept {
  return state == MountState::serving ? "serving" : "ending";
}

class MountManager::Impl {
 public:
  Impl(MountKeeper& keeper, fetcher::BlockFetcher& fetcher, MountOptions options)
      : keeper_(keeper),
        fetcher_(fetcher),
        options_(std::move(options)),
        housekeeper_([this] {
          pthread_setname_np(pthread_self(), "mounts");
          keep_house();
        }),
        preparer_([this] { return images_to_prepare(); }) {}
  ~Impl() { stop(); }

  Result<MountStatus> mount(MountRequest request) {
    WEFT_CHECK(check(request));
    WEFT_TRY(const PreparedTarget target,
             prepare_target(request.target.string(),
                            {.create = false, .forbidden = options_.forbidden}));
    if (request.kind && *request.kind != target.kind) {
      return fail(Errc::bad_target, Operation::mount,
                  target.path + ": is not a " + std::string(to_string(*request.kind)));
    }
    const std::string disk = request.disk ? request.disk->name() : std::string();
    WEFT_CHECK(reserve(target.path, disk));
    auto mounted = mount_reserved(std::move(request), target);
    release(target.path, disk);
    return mounted;
  }

  Result<void> unmount(const std::filesystem::path& given, bool force) {
    WEFT_TRY(const MountKey key, begin_unmount(given.string()));
    Result<void> done = keeper_.unmount(key, force);
    std::unique_ptr<ServedMount> mount;
    const Lock round(round_);
    {
      const Lock lock(mutex_);
      const auto at = find(key);
      if (at == mounts_.end()) return done;
      if (!done) {
        at->second.unmounting = false;
        return done;
      }
      mount = std::move(mounts_.extract(at).mapped().mount);
    }
    mount->finish_recording();
    mount->stop();
    return {};
  }

  /// Calls `use` with the mount; meanwhile nobody destroys it.
  template <class Use>
  auto with_mount(const std::string& given, Use use) -> std::invoke_result_t<Use, ServedMount&> {
    WEFT_TRY(const std::string target, listed(given));
    const Lock round(round_);
    ServedMount* mount = nullptr;
    {
      const Lock lock(mutex_);
      const auto at = mounts_.find(target);
      if (at == mounts_.end()) return fail(Errc::not_mounted, Operation::mount, given);
      mount = at->second.mount.get();
    }
    return use(*mount);
  }

  std::vector<MountStatus> list() const {
    const Lock lock(mutex_);
    std::vector<MountStatus> all;
    for (const auto& [target, slot] : mounts_) {
      all.push_back(slot.mount->status());
      if (slot.unmounting) all.back().state = MountState::ending;
    }
    return all;
  }

  Result<std::vector<AdoptedMount>> adopt_inherited(const Resolver& resolver,
                                                    const DiskResolver& disks, Hopeless hopeless) {
    WEFT_TRY(std::vector<MountHandle> handles, keeper_.inherited());
    std::vector<AdoptedMount> adopted;
    for (MountHandle& handle : handles) {
      const MountKey key = handle.key;
      AdoptedMount report{.target = handle.spec.target, .image = {}, .error = {}};
      if (auto served = adopt(std::move(handle), resolver, disks, report); !served) {
        if (hopeless == Hopeless::fail || !is_hopeless(served.error())) {
          spdlog::error("{}: cannot be served: {}", report.target, served.error().message());
          return std::unexpected(std::move(served).error());
        }
        spdlog::error("{}: cannot be served again and is unmounted: {}", report.target,
                      served.error().message());
        report.error = std::move(served).error();
        (void)keeper_.unmount(key, true);
      }
      adopted.push_back(std::move(report));
    }
    return adopted;
  }

  void stop() {
    {
      const Lock lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    if (housekeeper_.joinable()) housekeeper_.join();
    preparer_.stop();
    Map mounts;
    {
      const Lock lock(mutex_);
      mounts = std::exchange(mounts_, {});
    }
    for (auto& [target, slot] : mounts)
      slot.mount->stop();
  }

 private:
  struct Slot {
    std::unique_ptr<ServedMount> mount;
    bool unmounting = false;
  };
  using Map = std::map<std::string, Slot, std::less<>>;  // by target

  /// `disk` is empty for an image. A disk has one mount: two page caches of it would differ.
  Result<void> reserve(const std::string& target, const std::string& disk) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (stopping_) return fail(Errc::cancelled, Operation::mount, "the node is shutting down");
    for (const auto& [where, slot] : mounts_) {
      if (!disk.empty() && slot.mount->is_disk(disk)) {
        return fail(Errc::image_in_use, Operation::mount,
                    "disk " + disk + " is mounted at " + where + "; unmount it there first");
      }
    }
    if (disks_reserved_.contains(disk)) {
      return fail(Errc::image_in_use, Operation::mount, "disk " + disk + " is being mounted");
    }
    if (mounts_.contains(target) || !reserved_.insert(target).second) {
      return fail(Errc::already_mounted, Operation::mount, target);
    }
    if (!disk.empty()) disks_reserved_.insert(disk);
    return {};
  }

  void release(const std::string& target, const std::string& disk) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    reserved_.erase(target);
    disks_reserved_.erase(disk);
  }

  Result<MountStatus> mount_reserved(MountRequest request, const PreparedTarget& target) {
    const MountDescription description{.image = request.image->info().id,
                                       .name = request.name,
                                       .policy = request.policy,
                                       .disk = request.disk != nullptr};
    WEFT_TRY(MountHandle handle, keeper_.mount({.target = target.path,
                                                .kind = target.kind,
                                                .description = to_json(description),
                                                .writable = description.disk},
                                               channel_count(options_.channels)));
    const MountKey key = handle.key;
    auto status = serve(std::move(handle), std::move(request.image), std::move(request.disk),
                        description, false);
    if (!status) (void)keeper_.unmount(key, true);
    return status;
  }

  Result<MountStatus> serve(MountHandle handle, std::shared_ptr<LocalImage> image,
                            std::shared_ptr<WritableDisk> disk, const MountDescription& description,
                            bool taken_over) {
    WEFT_TRY(auto mount, ServedMount::start(std::move(handle), {.image = std::move(image),
                                                                .name = description.name,
                                                                .policy = description.policy,
                                                                .passthrough = options_.passthrough,
                                                                .fetcher = fetcher_,
                                                                .profiles = options_.profiles,
                                                                .taken_over = taken_over,
                                                                .disk = std::move(disk),
                                                                .ended = [this] { wake(); }}));
    MountStatus status = mount->status();
    spdlog::info("{}: serving {} {} ({})", status.target, status.disk ? "disk" : "image",
                 status.name, to_hex(status.image));
    const Lock lock(mutex_);
    mounts_[status.target] = {.mount = std::move(mount)};
    return status;
  }

  Result<void> adopt(MountHandle handle, const Resolver& resolver, const DiskResolver& disks,
                     AdoptedMount& report) {
    WEFT_TRY(const MountDescription description, parse_description(handle.spec.description));
    report.image = description.image;
    report.disk = description.disk;
    std::shared_ptr<WritableDisk> disk;
    if (description.disk) {
      if (!disks) return fail(Errc::unsupported, Operation::mount, "no disks here");
      WEFT_TRY(disk, disks(description.name));
    }
    WEFT_TRY(auto image, disk ? disk->base() : resolver(description.image));
    WEFT_CHECK(serve(std::move(handle), std::move(image), std::move(disk), description, true));
    return {};
  }

  /// A mount's target as it is listed: `given`, or where that leads.
  Result<std::string> listed(const std::string& given) WEFT_EXCLUDES(mutex_) {
    {
      const Lock lock(mutex_);
      if (mounts_.contains(given)) return given;
    }
    WEFT_TRY(const WalkedPath walked, walk_path(given, TargetOptions{}.probe_deadline));
    return walked.path;
  }

  Result<MountKey> begin_unmount(const std::string& given) {
    if (auto key = begin_unmount_exact(given)) return *key;
    WEFT_TRY(const WalkedPath walked, walk_path(given, TargetOptions{}.probe_deadline));
    if (auto key = begin_unmount_exact(walked.path)) return *key;
    return fail(Errc::not_mounted, Operation::umount, given);
  }

  std::optional<MountKey> begin_unmount_exact(const std::string& target) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    const auto at = mounts_.find(target);
    if (at == mounts_.end()) return std::nullopt;
    at->second.unmounting = true;
    return at->second.mount->key();
  }

  Map::iterator find(MountKey key) WEFT_REQUIRES(mutex_) {
    return std::ranges::find_if(
        mounts_, [&](const auto& entry) { return entry.second.mount->key() == key; });
  }

  std::vector<std::shared_ptr<LocalImage>> images_to_prepare() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    std::vector<std::shared_ptr<LocalImage>> images;
    for (const auto& [target, slot] : mounts_) {
      if (auto image = slot.mount->wants_whole_pack()) images.push_back(std::move(image));
    }
    return images;
  }

  void wake() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    ended_ = true;
    wake_.notify_all();
  }

  void keep_house() {
    while (wait_for_round()) {
      const Lock round(round_);
      std::vector<std::unique_ptr<ServedMount>> ended;
      std::vector<ServedMount*> serving;
      {
        const Lock lock(mutex_);
        for (auto at = mounts_.begin(); at != mounts_.end();) {
          const auto here = at++;
          if (!here->second.mount->ended()) {
            serving.push_back(here->second.mount.get());
          } else if (!here->second.unmounting) {
            ended.push_back(std::move(mounts_.extract(here).mapped().mount));
          }
        }
      }
      for (ServedMount* mount : serving)
        mount->tick();
      for (auto& mount : ended) {
        spdlog::info("{}: was unmounted", mount->target());
        mount->finish_recording();
        mount->stop();
        keeper_.forget(mount->key());
        mount.reset();
      }
    }
  }

  /// False: stopping.
  bool wait_for_round() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    const TimePoint next = steady_clock().now() + tick_interval;
    while (!stopping_ && !ended_ && wake_.wait_until(mutex_, next)) {
    }
    ended_ = false;
    return !stopping_;
  }

  MountKeeper& keeper_;
  fetcher::BlockFetcher& fetcher_;
  const MountOptions options_;

  /// Held by the housekeeper for a round and by whoever destroys a mount; before `mutex_`.
  Mutex round_;

  mutable Mutex mutex_;
  Condition wake_;
  Map mounts_ WEFT_GUARDED_BY(mutex_);
  std::set<std::string> reserved_ WEFT_GUARDED_BY(mutex_);  // being mounted
  std::set<std::string> disks_reserved_ WEFT_GUARDED_BY(mutex_);
  bool ended_ WEFT_GUARDED_BY(mutex_) = false;  // a mount has ended by itself
  bool stopping_ WEFT_GUARDED_BY(mutex_) = false;

  std::thread housekeeper_;  // last but one: uses all of the above
  PackPreparer preparer_;    // the same
};

MountManager::MountManager(MountKeeper& keeper, fetcher::BlockFetcher& fetcher,
                           MountOptions options)
    : impl_(std::make_unique<Impl>(keeper, fetcher, std::move(options))) {}

MountManager::~MountManager() = default;

Result<MountStatus> MountManager::mount(MountRequest request) {
  return impl_->mount(std::move(request));
}

Result<void> MountManager::unmount(const std::filesystem::path& target, bool force) {
  return impl_->unmount(target, force);
}

std::vector<MountStatus> MountManager::list() const {
  return impl_->list();
}

Result<void> MountManager::start_recording(const std::filesystem::path& target) {
  return impl_->with_mount(target.string(), [](ServedMount& m) { return m.start_recording(); });
}

Result<fetcher::BootProfile> MountManager::stop_recording(const std::filesystem::path& target) {
  return impl_->with_mount(target.string(), [](ServedMount& m) { return m.stop_recording(); });
}

Result<std::vector<AdoptedMount>> MountManager::adopt_inherited(const Resolver& resolver,
                                                                const DiskResolver& disks,
                                                                Hopeless hopeless) {
  return impl_->adopt_inherited(resolver, disks, hopeless);
}

void MountManager::stop() {
  impl_->stop();
}

}  // namespace weft::fs
