// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/import/block_source.h"
#include "indexer/import/formats/disk_format.h"
#include "indexer/import/source_file.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace weft {

struct SourceOptions {
  std::optional<DiskFormat> format;                  ///< nullopt: as probed
  std::vector<std::filesystem::path> allow_backing;  ///< see `AllowedFiles`
  std::size_t readers = 2;                           ///< threads that will read at once
  std::stop_token stop{};                            ///< ends opening: Errc::cancelled
};

struct OpenedSource {
  std::unique_ptr<BlockSource> source;
  std::filesystem::path path;  ///< absolute, symbolic links resolved
  DiskFormat format = DiskFormat::raw;
  const SourceFile* raw = nullptr;  ///< in `source`; set if it is raw: the file can be a pack
};

/// Opens a disk image of any format for reading. A file that is probed as raw but compressed is
/// refused, naming the program that unpacks it; a stated format is taken for what it is.
///
/// Errc::not_an_image, empty_image, image_too_large, bad_image, outside_file, unsupported
/// (`qemu-nbd` is missing), helper_failed, deadline_passed; errno. `fs` outlives the source, and
/// the calling thread must, too, until the source is closed.
[[nodiscard]] Result<OpenedSource> open_source(FileSystem& fs, const std::filesystem::path& path,
                                               const SourceOptions& options);

}  // namespace weft
