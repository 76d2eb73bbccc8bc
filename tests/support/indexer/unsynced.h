// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/file_io.h"
#include "tests/support/indexer/temp_directory.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace weft::test {

/// Chooses what survives a power cut: true = it is on disk.
using Survives = std::function<bool()>;

/// What one file held at its last sync, as far as it was changed since. Not thread-safe.
class UnsyncedPages {
 public:
  explicit UnsyncedPages(std::unique_ptr<File> real) : real_(std::move(real)) {}

  /// To be called before the range changes, or the size.
  void before_change(Extent extent);
  void before_resize();
  void synced();
  /// Puts back what does not survive.
  void cut(const Survives& survives);

 private:
  using Page = std::array<std::byte, block_size>;

  std::unique_ptr<File> real_;  // keeps the file reachable, whatever happens to its name
  std::map<std::uint64_t, Page> before_;
  std::optional<ByteCount> size_before_;
};

/// Changes of directory entries since their directories were synced. Not thread-safe.
class UnsyncedEntries {
 public:
  void created(const std::filesystem::path& path);
  void created_directory(const std::filesystem::path& path);
  /// To be called before the change: they save the file that is about to lose its name.
  void before_rename(const std::filesystem::path& from, const std::filesystem::path& to);
  void before_remove(const std::filesystem::path& path);
  void synced(const std::filesystem::path& dir);
  /// Undoes the changes after the first one that does not survive.
  void cut(const Survives& survives);

 private:
  struct Change {
    std::vector<std::filesystem::path> dirs;
    std::function<void()> undo;
  };

  /// A second name for `path` outside of the tree; nullopt if it is not a file.
  std::optional<std::filesystem::path> save(const std::filesystem::path& path);

  TempDirectory saved_;
  std::uint64_t next_name_ = 0;
  std::vector<Change> changes_;
};

}  // namespace weft::test
