// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fs/read/change_statistics.h"
#include "fs/read/read_policy.h"
#include "fs/read/read_statistics.h"
#include "fs/record/mount_recorder.h"
#include "fs/session/image_opens.h"
#include "fs/supervisor/mount_keeper.h"
#include "indexer/core/error.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/local_image.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fs {

struct MountRequest {
  std::shared_ptr<LocalImage> image;
  std::string name;                ///< the file in a directory target is <name>.raw
  std::filesystem::path target;    ///< an existing empty directory, or an existing regular file
  std::optional<TargetKind> kind;  ///< nullopt: what the target is
  ReadPolicy policy;
  /// Over `image`, and named `name`: it is what is mounted, and can be written to.
  std::shared_ptr<WritableDisk> disk{};
};

enum class MountState : std::uint8_t {
  serving,
  ending  ///< unmounted; open files and requests are being dropped
};

[[nodiscard]] std::string_view to_string(MountState state) noexcept;

struct MountStatus {
  std::string target;
  TargetKind kind = TargetKind::directory;
  std::string name;
  ImageId image;
  bool disk = false;  ///< a disk over the image
  ReadPolicy policy;
  MountState state = MountState::serving;
  ReadStatistics reads;
  ChangeStatistics changes;  ///< of the disk
  OpensStatus opens{};
  std::vector<WaitingRead> waiting;  ///< oldest first
  RecordingStatus recording;         ///< of a boot
  BlockCount lost_blocks;            ///< of the image, since it was opened: they failed their check
};

/// What became of one inherited mount.
struct AdoptedMount {
  std::string target;
  std::optional<ImageId> image;  ///< nullopt: its description cannot be read
  bool disk = false;
  /// Set: nobody can ever serve it and it was unmounted, since its readers would wait for ever.
  std::optional<Error> error;
};

/// What becomes of an inherited mount that nobody can ever serve again: its image is gone.
enum class Hopeless : std::uint8_t {
  unmount,  ///< so that its readers do not wait for ever
  fail      ///< nothing: an earlier worker still can
};

struct MountOptions {
  /// FUSE channels, and threads, of one mount; 0: by the number of CPUs (2 … 4).
  unsigned channels = 0;
  PassthroughPolicy passthrough = PassthroughPolicy::automatic;
  /// Directories no target may lie in: see TargetOptions.
  std::vector<std::string> forbidden;
  /// Keeps the profiles of boots that mounts see. Null: they are not recorded. Outlives the
  /// manager.
  fetcher::ProfileKeeper* profiles = nullptr;
};

/// All mounts of a node: one FUSE session with threads of its own for each, so that a mount whose
/// reads are stuck never delays another.
///
/// Lifecycle: `keeper` and `fetcher` must outlive it. `stop()` (or the destructor) ends serving
/// without unmounting: a successor that inherits the mounts answers what is in flight. To end a
/// mount, `unmount` it first.
/// Thread-safe. Calls block on mount(2), umount(2) and disk I/O, never on the network; a call on
/// one mount does not wait for calls on others.
class MountManager {
 public:
  using Resolver = std::function<Result<std::shared_ptr<LocalImage>>(const ImageId&)>;
  using DiskResolver = std::function<Result<std::shared_ptr<WritableDisk>>(const std::string&)>;

  explicit MountManager(MountKeeper& keeper, fetcher::BlockFetcher& fetcher,
                        MountOptions options = {});
  ~MountManager();
  MountManager(const MountManager&) = delete;
  MountManager& operator=(const MountManager&) = delete;

  /// Returns when the mount answers. Errc::bad_name; bad_target, already_mounted, not_permitted as
  /// `prepare_target` and MountKeeper::mount; image_in_use: the disk is mounted elsewhere; errno of
  /// mount(2).
  [[nodiscard]] Result<MountStatus> mount(MountRequest request);

  /// Errc::not_mounted; target_busy unless `force`, which fails all reads and detaches the mount.
  /// The image is released before it returns.
  [[nodiscard]] Result<void> unmount(const std::filesystem::path& target, bool force);

  /// By target. A mount that ended by itself (umount(8)) disappears from the list.
  [[nodiscard]] std::vector<MountStatus> list() const;

  /// Begins to record what is read from the mount, in place of what was being recorded.
  /// Errc::not_mounted; unsupported.
  [[nodiscard]] Result<void> start_recording(const std::filesystem::path& target);
  /// Ends it and keeps it. Errc::not_mounted; bad_request: nothing was recorded.
  [[nodiscard]] Result<fetcher::BootProfile> stop_recording(const std::filesystem::path& target);

  /// Serves the mounts that outlived an earlier worker; `resolver` maps an image id to its
  /// LocalImage, `disks` a disk's name to the disk. To be called once, before the first `mount`.
  /// An error, such as too many open files: one of them cannot be served now. None of them is lost;
  /// end, so that another worker inherits them.
  [[nodiscard]] Result<std::vector<AdoptedMount>> adopt_inherited(
      const Resolver& resolver, const DiskResolver& disks = {},
      Hopeless hopeless = Hopeless::unmount);

  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::fs
