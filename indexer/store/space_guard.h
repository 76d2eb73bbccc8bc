// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace weft {

/// Keeps a floor of free space on the state directory's file system. Asking the file system costs a
/// system call, so an answer is good for as many bytes as half of what it left above the floor, at
/// most 64 MiB. Thread-safe and lock-free.
class SpaceGuard {
 public:
  SpaceGuard(FileSystem& fs, std::filesystem::path directory, ByteCount floor);

  /// To be called before `bytes` are written. std::errc::no_space_on_device: they would take the
  /// free space below the floor.
  [[nodiscard]] Result<void> reserve(ByteCount bytes);

 private:
  FileSystem& fs_;
  const std::filesystem::path directory_;
  const ByteCount floor_;
  std::atomic<std::int64_t> credit_{0};
};

}  // namespace weft
