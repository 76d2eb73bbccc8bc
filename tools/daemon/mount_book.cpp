// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/mount_book.h"

#include "indexer/disk/disks.h"
#include "tools/daemon/mount_record.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::tools {
namespace {

constexpr std::string_view kind = "mount";

bool is_listed(const std::vector<fs::MountStatus>& mounts, const std::string& target) {
  return std::ranges::find(mounts, target, &fs::MountStatus::target) != mounts.end();
}

}  // namespace

Result<bool> forget_mount(Store& store, const std::string& target) {
  WEFT_TRY(const auto recorded, store.setting(kind, target));
  if (!recorded) return false;
  WEFT_CHECK(store.set_setting(kind, target, std::nullopt));
  return true;
}

bool is_in_mount_record(Store& store, const ImageId& image) {
  const auto records = store.settings(kind);
  if (!records) return true;
  return std::ranges::any_of(*records, [&](const auto& record) {
    const auto mount = decode_mount_record(record.second);
    return mount && mount->image == image;
  });
}

MountBook::MountBook(Store& store, fetcher::Fetcher& fetcher, fs::MountKeeper& keeper,
                     fs::MountOptions options)
    : store_(store), fetcher_(fetcher), manager_(keeper, fetcher, std::move(options)) {}

Result<void> MountBook::adopt_inherited(fs::Hopeless hopeless) {
  WEFT_TRY(
      const auto adopted,
      manager_.adopt_inherited([this](const ImageId& id) { return store_.image(id); },
                               [this](const std::string& name) { return disk(name); }, hopeless));
  for (const auto& mount : adopted) {
    if (mount.error) {
      spdlog::error("mount lost target={} reason=\"{}\"", mount.target, mount.error->message());
      continue;
    }
    spdlog::info("mount taken over target={}", mount.target);
    if (!mount.image) continue;
    WEFT_TRY(auto image, store_.image(*mount.image));
    auto record = recorded(mount.target);
    note_mounted(mount.target, std::move(image), record.prefetch);
    note_monitors(mount.target, std::move(record.monitors));
  }
  return {};
}

Result<std::shared_ptr<WritableDisk>> MountBook::disk(const std::string& name) {
  if (store_.disks() == nullptr) return fail(Errc::unsupported, Operation::mount, name);
  return store_.disks()->open(name);
}

Result<void> MountBook::remount(const std::string& target, std::string_view text) {
  WEFT_TRY(auto record, decode_mount_record(text));
  WEFT_TRY(auto image, store_.image(record.image));
  fs::MountRequest request{image, record.name, target, record.kind, record.policy};
  if (record.disk) {
    WEFT_TRY(request.disk, disk(record.name));
  }
  WEFT_TRY(const auto status, manager_.mount(std::move(request)));
  note_mounted(status.target, std::move(image), record.prefetch);
  note_monitors(status.target, std::move(record.monitors));
  return {};
}

MountRecord MountBook::recorded(const std::string& target) {
  const auto text = store_.setting(kind, target);
  if (!text || !*text) return {};
  return decode_mount_record(**text).value_or(MountRecord{});
}

Result<void> MountBook::restore(fs::Hopeless hopeless) {
  WEFT_CHECK(adopt_inherited(hopeless));
  WEFT_TRY(const auto records, store_.settings(kind));
  const auto live = manager_.list();
  for (const auto& [target, text] : records) {
    if (is_listed(live, target)) continue;
    const auto back = remount(target, text);
    if (back) {
      spdlog::info("mount restored target={}", target);
      continue;
    }
    spdlog::error("mount not restored target={} reason=\"{}\"", target, back.error().message());
    const bool lost = back.error().is(Errc::unknown_image) || back.error().is(Errc::damaged_state);
    if (lost) WEFT_CHECK(store_.set_setting(kind, target, std::nullopt));
  }
  return {};
}

Result<fs::MountStatus> MountBook::mount(fs::MountRequest request, Prefetch prefetch,
                                         std::vector<std::string> monitors) {
  {
    const Lock lock(mutex_);
    if (closed_) return fail(Errc::cancelled, Operation::mount, "the node is shutting down");
  }
  auto image = request.image;
  MountRecord record{image->info().id,   request.name, fs::TargetKind::directory,
                     request.policy,     prefetch,     request.disk != nullptr,
                     std::move(monitors)};
  WEFT_TRY(auto status, manager_.mount(std::move(request)));
  record.kind = status.kind;
  if (auto kept = store_.set_setting(kind, status.target, encode(record)); !kept) {
    // Without its record the mount would silently be absent after a restart.
    if (auto undone = manager_.unmount(status.target, true); !undone) {
      spdlog::error("mount left behind target={} reason=\"{}\"", status.target,
                    undone.error().message());
    }
    return std::unexpected(std::move(kept).error());
  }
  note_mounted(status.target, std::move(image), prefetch);
  note_monitors(status.target, std::move(record.monitors));
  return status;
}

Result<void> MountBook::unmount(const std::string& target, bool force) {
  WEFT_CHECK(manager_.unmount(target, force));
  note_gone(target, true);
  return {};
}

void MountBook::note_mounted(const std::string& target, std::shared_ptr<LocalImage> image,
                             Prefetch prefetch) {
  const ImageId id = image->info().id;
  fetcher_.attach(image);
  // A job brings all of it in the same order; until it runs, the boot does not wait for it.
  if (prefetch == Prefetch::boot || prefetch == Prefetch::all)
    fetcher_.prefetch_boot(std::move(image));
  const Lock lock(mutex_);
  attached_.insert_or_assign(target, id);
}

void MountBook::note_monitors(const std::string& target, std::vector<std::string> monitors) {
  const Lock lock(mutex_);
  if (!monitors.empty()) monitors_.insert_or_assign(target, std::move(monitors));
}

std::vector<std::pair<std::string, std::string>> MountBook::monitors() const {
  const Lock lock(mutex_);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [target, sockets] : monitors_) {
    for (const auto& socket : sockets)
      all.emplace_back(target, socket);
  }
  return all;
}

void MountBook::note_gone(const std::string& target, bool forget) {
  std::optional<ImageId> image;
  {
    const Lock lock(mutex_);
    const auto entry = attached_.find(target);
    if (entry != attached_.end()) image = entry->second;
    if (image) attached_.erase(entry);
    monitors_.erase(target);
  }
  if (image) fetcher_.detach(*image);
  if (!forget) return;
  if (auto forgotten = store_.set_setting(kind, target, std::nullopt); !forgotten) {
    spdlog::warn("mount record kept target={} reason=\"{}\"", target, forgotten.error().message());
  }
}

void MountBook::reap() {
  std::vector<std::string> gone;
  {
    const Lock lock(mutex_);
    if (closed_) return;
    for (const auto& [target, image] : attached_)
      gone.push_back(target);
  }
  const auto live = manager_.list();
  for (const auto& target : gone) {
    if (is_listed(live, target)) continue;
    spdlog::info("mount ended from outside target={}", target);
    note_gone(target, true);
  }
}

void MountBook::close() {
  {
    const Lock lock(mutex_);
    if (std::exchange(closed_, true)) return;
  }
  for (const auto& mount : manager_.list()) {
    auto ended = manager_.unmount(mount.target, false);
    if (!ended && ended.error().is(Errc::target_busy)) {
      spdlog::warn("mount in use at stop, ended by force target={} reason=\"{}\"", mount.target,
                   ended.error().message());
      ended = manager_.unmount(mount.target, true);
    }
    if (!ended) {
      spdlog::error("mount left to the supervisor target={} reason=\"{}\"", mount.target,
                    ended.error().message());
    }
    note_gone(mount.target, false);
  }
  manager_.stop();
}

void MountBook::suspend() {
  {
    const Lock lock(mutex_);
    if (std::exchange(closed_, true)) return;
  }
  const auto mounts = manager_.list();
  manager_.stop();
  for (const auto& mount : mounts)
    note_gone(mount.target, false);
}

}  // namespace weft::tools
