// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/disk/disk_codec.h"
#include "indexer/disk/disk_map.h"

#include <filesystem>
#include <memory>
#include <optional>

namespace weft {

/// The map of a disk as it is now, in a file that is never synced: it outlives the process, as the
/// data in the page cache do, but not the machine. A guest lives on when its daemon is killed, and
/// must find every write that was answered, flushed or not.
///
/// The header names the boot it belongs to; after another boot the file is made anew from the
/// durable map. *Rationale:* written with pwrite, not through a shared mapping: on a full disk a
/// mapping kills the process (SIGBUS), a write says ENOSPC; and only a change of place costs a
/// call.
///
/// Thread-safe for different regions.
class LiveMap {
 public:
  /// Opens the file of this disk and boot and enters it into `map`; nullopt: there is none.
  [[nodiscard]] static Result<std::optional<LiveMap>> open(FileSystem& fs,
                                                           const std::filesystem::path& path,
                                                           const LiveHeader& header, DiskMap& map);
  /// Makes a file that says what `map` says, in place of what is there.
  [[nodiscard]] static Result<LiveMap> create(FileSystem& fs, const std::filesystem::path& path,
                                              const LiveHeader& header, const DiskMap& map);

  /// Notes that the blocks are in `place`; `map` still says what was before. The blocks' words are
  /// changed by nobody else meanwhile.
  [[nodiscard]] Result<void> set(const DiskMap& map, BlockRange range, DiskPlace place);
  [[nodiscard]] Result<ByteCount> physical_size() const;

 private:
  explicit LiveMap(std::unique_ptr<File> file) : file_(std::move(file)) {}
  [[nodiscard]] static ByteOffset place_of(std::uint64_t chunk) {
    return ByteOffset((1 + chunk) * disk_page);
  }

  std::unique_ptr<File> file_;
};

}  // namespace weft
