// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fs/mount/mount_manager.h"
#include "fs/read/read_service.h"
#include "fs/record/mount_recorder.h"
#include "fs/session/fuse_session.h"
#include "fs/session/image_opens.h"
#include "fs/session/served_image.h"
#include "indexer/core/error.h"
#include "indexer/store/local_image.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace weft::fs {

/// One mount and all that serves it. Lifecycle: serves from `start` to `stop`; the image is
/// released when it is destroyed. Thread-safe, but `stop` must not run in a channel thread.
class ServedMount {
 public:
  struct Parts {
    std::shared_ptr<LocalImage> image;
    std::string name;
    ReadPolicy policy;
    PassthroughPolicy passthrough = PassthroughPolicy::automatic;
    fetcher::BlockFetcher& fetcher;
    fetcher::ProfileKeeper* profiles = nullptr;  ///< null: boots are not recorded
    bool taken_over = false;                     ///< from an earlier worker: its guest runs already
    std::shared_ptr<WritableDisk> disk{};        ///< over the image; null: the image is mounted
    /// Called once, by a channel thread, if the mount was unmounted by somebody else.
    std::function<void()> ended;
  };

  [[nodiscard]] static Result<std::unique_ptr<ServedMount>> start(MountHandle handle, Parts parts);
  ~ServedMount();
  ServedMount(const ServedMount&) = delete;
  ServedMount& operator=(const ServedMount&) = delete;

  /// About once a second.
  void tick();
  /// The mount is gone: what is being recorded ends. Before `stop`.
  void finish_recording() { recorder_.finish(); }
  void stop();

  /// As MountRecorder; passthrough is held off, or may be given, at once.
  [[nodiscard]] Result<void> start_recording();
  [[nodiscard]] Result<fetcher::BootProfile> stop_recording();

  [[nodiscard]] const std::string& target() const noexcept { return target_; }
  [[nodiscard]] MountKey key() const noexcept { return key_; }
  [[nodiscard]] bool ended() const noexcept { return ended_.load(); }
  [[nodiscard]] MountStatus status() const;
  /// The image to be brought into its pack, so that the kernel can serve it; null: not needed.
  [[nodiscard]] std::shared_ptr<LocalImage> wants_whole_pack() const {
    return opens_.wants_whole_pack() ? served_.image : nullptr;
  }
  [[nodiscard]] bool is_disk(std::string_view name) const {
    return served_.disk && served_.disk->name() == name;
  }

 private:
  ServedMount(const MountHandle& handle, Parts parts);

  // Constant after start.
  const MountKey key_;
  const std::string target_;
  const std::string name_;
  const ReadPolicy policy_;
  std::function<void()> on_ended_;
  MountRecorder recorder_;
  ReadService reads_;
  ImageOpens opens_;
  ServedImage served_;
  std::unique_ptr<FuseSession> session_;
  bool stopped_ = false;

  std::atomic<bool> ended_{false};
};

}  // namespace weft::fs
