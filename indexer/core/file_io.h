// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/units.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// The seam between weft and the disk. Production: `posix_file_system()`. Tests wrap it to inject
/// EIO, ENOSPC after n bytes, short writes, and a power cut that drops everything unsynced.
namespace weft {

struct Extent {
  ByteOffset offset;
  ByteCount length;
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct FileStat {
  ByteCount size;
  ByteCount allocated;  ///< physical bytes (st_blocks × 512)
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  bool is_regular = false;
  bool is_directory = false;
};

/// An open file. All operations are positional and may be called from any thread at once.
class File {
 public:
  virtual ~File() = default;
  /// Reads until `out` is full or the file ends; returns the bytes read.
  [[nodiscard]] virtual Result<std::size_t> read_at(ByteOffset offset,
                                                    std::span<std::byte> out) = 0;
  /// Writes all of `bytes` or fails; after a failure the range holds old or new bytes.
  [[nodiscard]] virtual Result<void> write_at(ByteOffset offset,
                                              std::span<const std::byte> bytes) = 0;
  /// Returns when data and size are durable (fdatasync).
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<void> truncate(ByteCount size) = 0;
  /// Gives the range back to the file system; it reads as zeros afterwards. The size stays.
  /// Errc::unsupported where the file system has no holes.
  [[nodiscard]] virtual Result<void> punch(Extent extent) = 0;
  [[nodiscard]] virtual Result<FileStat> stat() = 0;
  /// First extent with data at or after `from` (SEEK_DATA, SEEK_HOLE); nullopt: only a hole is
  /// left.
  [[nodiscard]] virtual Result<std::optional<Extent>> next_data(ByteOffset from) = 0;
  /// Shares `extent` of `source` at the same offset of this file (FICLONERANGE).
  /// Errc::unsupported where the file system cannot.
  [[nodiscard]] virtual Result<void> clone_from(File& source, Extent extent) = 0;
  /// For mmap, FUSE replies and SCM_RIGHTS. −1 if there is none.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

enum class OpenMode {
  read,             ///< existing, read-only
  read_write,       ///< existing
  create,           ///< created if absent, read-write
  create_exclusive  ///< must not exist, read-write
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path,
                                                           OpenMode mode) = 0;
  /// Atomically replaces `to`.
  [[nodiscard]] virtual Result<void> rename(const std::filesystem::path& from,
                                            const std::filesystem::path& to) = 0;
  /// A file or an empty directory. Not an error if it is absent.
  [[nodiscard]] virtual Result<void> remove(const std::filesystem::path& path) = 0;
  /// Not an error if it is there already.
  [[nodiscard]] virtual Result<void> make_directory(const std::filesystem::path& path) = 0;
  /// Names in `dir`, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::filesystem::path& dir) = 0;
  /// Makes creations, renames and removals in `dir` durable.
  [[nodiscard]] virtual Result<void> sync_directory(const std::filesystem::path& dir) = 0;
  [[nodiscard]] virtual Result<ByteCount> free_space(const std::filesystem::path& dir) = 0;
};

[[nodiscard]] FileSystem& posix_file_system() noexcept;

}  // namespace weft
