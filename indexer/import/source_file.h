// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"

#include <filesystem>
#include <memory>

namespace weft {

/// A regular file that content is imported from, open for reading, and what it looked like then.
struct SourceFile {
  std::filesystem::path path;  ///< absolute, symbolic links resolved
  std::unique_ptr<File> file;
  FileStat stat;
};

/// Errc::not_an_image: a directory, device, pipe or socket; errno with the path as its detail.
[[nodiscard]] Result<SourceFile> open_source_file(FileSystem& fs,
                                                  const std::filesystem::path& path);

/// Errc::source_changed: size, times or identity are no longer those of `source.stat`. Asks by
/// path, so that a file put in the source's place is noticed too.
[[nodiscard]] Result<void> check_unchanged(FileSystem& fs, const SourceFile& source);

}  // namespace weft
