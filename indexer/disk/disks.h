// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/mutex.h"
#include "indexer/disk/disk_commit.h"
#include "indexer/disk/writable_disk.h"
#include "indexer/store/image_table.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

/// A disk as the catalog lists it.
struct DiskEntry {
  std::string name;
  ImageId base;
  ByteCount size;
  std::int64_t created = 0;        ///< seconds since 1970
  bool in_use = false;             ///< mounted, or being committed
  std::optional<DiskUsage> usage;  ///< nullopt: the disk's files are damaged
};

/// The writable disks of a state directory. Disks and images share one set of names. The image
/// below a disk stays as long as the disk.
///
/// Thread-safe; every call may block on disk I/O, none on the network. Takes the table's
/// `changes()`, then `mutex_`.
class Disks {
 public:
  Disks(std::shared_ptr<ImageTable> table, const Digest& boot)
      : table_(std::move(table)), boot_(boot) {}

  /// Deletes what a crash left of disks that are none.
  [[nodiscard]] Result<void> start();

  [[nodiscard]] Result<std::vector<DiskEntry>> list();
  /// Errc::unknown_image: no disk has this name.
  [[nodiscard]] Result<DiskEntry> find(std::string_view name);
  [[nodiscard]] Result<bool> has(std::string_view name);
  /// An empty disk over an image that is known here, if not its blocks. Durable when it returns.
  /// Errc::bad_name, name_taken, unknown_image.
  [[nodiscard]] Result<void> create(std::string_view name, const ImageId& base);
  /// One object per disk and process: two calls give the same one. Errc::unknown_image,
  /// damaged_state.
  [[nodiscard]] Result<std::shared_ptr<WritableDisk>> open(std::string_view name);
  /// Returns the bytes given back. Errc::unknown_image; image_in_use while someone holds it.
  [[nodiscard]] Result<ByteCount> remove(std::string_view name);
  /// Begins to make an image of what the disk holds now. An empty `image_name`: one without a name,
  /// which goes when nobody holds it any more (`Store::collect_unnamed`). Errc::bad_name,
  /// name_taken, unknown_image; image_in_use: it is being committed already.
  [[nodiscard]] Result<std::unique_ptr<DiskCommit>> begin_commit(std::string_view name,
                                                                 std::string_view image_name);

 private:
  [[nodiscard]] Result<DiskRow> row_of(std::string_view name);
  [[nodiscard]] Result<std::shared_ptr<WritableDisk>> open_locked(const DiskRow& row);
  [[nodiscard]] Result<DiskEntry> entry_of(const DiskRow& row);
  [[nodiscard]] bool in_use(const std::string& name) WEFT_EXCLUDES(mutex_);

  const std::shared_ptr<ImageTable> table_;
  const Digest boot_;
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<WritableDisk>> open_ WEFT_GUARDED_BY(mutex_);
};

/// Digest of `text`, or of the kernel's boot id if it is empty.
[[nodiscard]] Result<Digest> boot_of(FileSystem& fs, std::string_view text);

}  // namespace weft
