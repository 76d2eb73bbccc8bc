// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/service/fetcher.h"
#include "fs/mount/mount_manager.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/store.h"
#include "tools/config/config.h"
#include "tools/daemon/mount_record.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weft::tools {

/// The mounts of a node and their record in the catalog: what is mounted comes back when the node
/// starts again, until `unmount` (or umount(8) while the node runs) forgets it.
///
/// Lifecycle: `restore` once at start; `reap` about once a second; `close` unmounts everything but
/// keeps the record. `keeper`, `fetcher` and `store` outlive it. Thread-safe; calls block on
/// mount(2), umount(2) and disk I/O, never on the network.
class MountBook {
 public:
  MountBook(Store& store, fetcher::Fetcher& fetcher, fs::MountKeeper& keeper,
            fs::MountOptions options);

  /// Serves the mounts that outlived an earlier worker, then mounts what is recorded and not there.
  /// A mount that cannot come back is logged and forgotten only if its image is gone. An error:
  /// one that is there cannot be served for now; it is left as it is.
  [[nodiscard]] Result<void> restore(fs::Hopeless hopeless = fs::Hopeless::unmount);
  /// `monitors`: QMP sockets of the QEMUs that will use it; recorded with it. Errc::bad_target,
  /// already_mounted, not_permitted; errno of mount(2).
  [[nodiscard]] Result<fs::MountStatus> mount(fs::MountRequest request, Prefetch prefetch,
                                              std::vector<std::string> monitors = {});
  /// Errc::not_mounted, target_busy. `target` may be relative to nothing: absolute only.
  [[nodiscard]] Result<void> unmount(const std::string& target, bool force);
  [[nodiscard]] std::vector<fs::MountStatus> list() const { return manager_.list(); }
  /// By hand, of a boot: as the calls of the same names in MountManager.
  [[nodiscard]] Result<void> start_recording(const std::string& target) {
    return manager_.start_recording(target);
  }
  [[nodiscard]] Result<fetcher::BootProfile> stop_recording(const std::string& target) {
    return manager_.stop_recording(target);
  }

  /// Of mounts that name monitors: target and socket, a pair for each socket.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> monitors() const;

  /// Forgets mounts that were ended from outside.
  void reap();
  /// Unmounts everything, by force what is busy, and keeps the record.
  void close();
  /// Ends serving and leaves the mounts as they are, for whoever inherits them.
  void suspend();

 private:
  void note_mounted(const std::string& target, std::shared_ptr<LocalImage> image,
                    Prefetch prefetch);
  void note_monitors(const std::string& target, std::vector<std::string> monitors);
  /// As new mounts are, where nothing is recorded.
  [[nodiscard]] MountRecord recorded(const std::string& target);
  void note_gone(const std::string& target, bool forget);
  [[nodiscard]] Result<void> adopt_inherited(fs::Hopeless hopeless);
  [[nodiscard]] Result<std::shared_ptr<WritableDisk>> disk(const std::string& name);
  [[nodiscard]] Result<void> remount(const std::string& target, std::string_view record);

  Store& store_;
  fetcher::Fetcher& fetcher_;
  fs::MountManager manager_;
  mutable Mutex mutex_;
  /// Attached at the fetcher, by target.
  std::map<std::string, ImageId> attached_ WEFT_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<std::string>> monitors_ WEFT_GUARDED_BY(mutex_);  // by target
  bool closed_ WEFT_GUARDED_BY(mutex_) = false;
};

/// Removes the record of a mount. False: there was none.
[[nodiscard]] Result<bool> forget_mount(Store& store, const std::string& target);
/// A mount of the image is on record, or the records cannot be read.
[[nodiscard]] bool is_in_mount_record(Store& store, const ImageId& image);

}  // namespace weft::tools
