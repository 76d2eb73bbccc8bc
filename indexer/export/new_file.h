// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"

#include <filesystem>
#include <memory>

namespace weft {

/// A file being made beside its place, under a name of its own (".NAME.weft-…"). It comes to its
/// place with all its bytes or not at all: destroyed before `place`, it is gone. Only a process
/// that is killed leaves it behind.
class NewFile {
 public:
  /// `target` is absolute. errno: its directory is not there, or cannot be written to.
  [[nodiscard]] static Result<NewFile> make(FileSystem& fs, const std::filesystem::path& target);
  ~NewFile();
  NewFile(NewFile&& other) noexcept = default;
  NewFile& operator=(NewFile&&) = delete;

  [[nodiscard]] File& file() { return *file_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Makes data, size and name durable. std::errc::file_exists unless `replace`: something is at
  /// the target, and stays.
  [[nodiscard]] Result<void> place(bool replace);

 private:
  NewFile(FileSystem& fs, std::filesystem::path target, std::filesystem::path path,
          std::unique_ptr<File> file);

  FileSystem& fs_;
  std::filesystem::path target_;
  std::filesystem::path path_;  ///< empty: placed, or moved from
  std::unique_ptr<File> file_;
};

}  // namespace weft
