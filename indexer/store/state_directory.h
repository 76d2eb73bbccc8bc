// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/unique_fd.h"
#include "indexer/disk/disk_files.h"
#include "indexer/store/image_paths.h"
#include "indexer/tree/image_id.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

/// Creates a directory and those above it that are absent, each durable in the one above.
[[nodiscard]] Result<void> make_path(FileSystem& fs, const std::filesystem::path& path);

/// The state directory's layout, its lock and its version. Image directories are made in
/// `incoming/`, where nothing is looked for, and renamed to `images/` when they are whole; they are
/// renamed back to be deleted. So a crash leaves debris in `incoming/` only.
///
/// Thread-safe after `open`.
class StateDirectory {
 public:
  /// Creates it if absent, locks it for the life of the object, checks the format, and deletes what
  /// is in `incoming/`. Errc::state_locked names the process; newer_state, damaged_state.
  [[nodiscard]] static Result<StateDirectory> open(FileSystem& fs, std::filesystem::path root);

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] std::filesystem::path catalog() const { return root_ / "catalog.sqlite"; }
  [[nodiscard]] ImagePaths image(const ImageId& id) const;
  /// Ids of the directories in `images/`. What has no such name is not ours and is left alone.
  [[nodiscard]] Result<std::vector<ImageId>> images_present();

  /// A new empty directory in `incoming/`.
  [[nodiscard]] Result<ImagePaths> make_incoming();
  /// Renames a whole image to its place; durable when it returns.
  [[nodiscard]] Result<void> admit(const ImagePaths& incoming, const ImageId& id);
  /// Takes an image out of `images/`, durably, then deletes it.
  [[nodiscard]] Result<void> discard(const ImageId& id);
  /// The same for disks, which are named by their names.
  [[nodiscard]] DiskPaths disk(std::string_view name) const { return DiskPaths(disks() / name); }
  [[nodiscard]] Result<std::vector<std::string>> disks_present();
  [[nodiscard]] Result<void> admit_disk(const std::filesystem::path& incoming,
                                        std::string_view name);
  [[nodiscard]] Result<void> discard_disk(std::string_view name);
  /// Deletes a directory in `incoming/`.
  [[nodiscard]] Result<void> delete_incoming(const ImagePaths& incoming);

 private:
  StateDirectory(FileSystem& fs, std::filesystem::path root, UniqueFd lock)
      : fs_(&fs), root_(std::move(root)), lock_(std::move(lock)) {}
  [[nodiscard]] Result<void> check_format();
  [[nodiscard]] Result<void> clear_incoming();
  [[nodiscard]] std::filesystem::path incoming() const { return root_ / "incoming"; }
  [[nodiscard]] std::filesystem::path images() const { return root_ / "images"; }
  [[nodiscard]] std::filesystem::path disks() const { return root_ / "disks"; }

  FileSystem* fs_;
  std::filesystem::path root_;
  UniqueFd lock_;
};

}  // namespace weft
