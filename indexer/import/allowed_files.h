// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/import/source_file.h"

#include <filesystem>
#include <string>
#include <vector>

namespace weft {

/// Which files an image may bring in by naming them in its header: those in the image's own
/// directory, and those in or below the directories its importer allows (`--allow-backing`).
///
/// Rationale: not below the own directory, for a stranger's image in a home directory would reach
/// ~/.ssh; and no list of forbidden places, for no list is complete.
class AllowedFiles {
 public:
  /// `image`: absolute, symbolic links resolved. `allowed` directories that do not exist allow
  /// nothing. `fs` outlives this.
  AllowedFiles(FileSystem& fs, const std::filesystem::path& image,
               const std::vector<std::filesystem::path>& allowed);

  /// Opens the file that the header of `by` names `name`: relative to the directory of `by`.
  ///
  /// The place is decided after all symbolic links are resolved, and once more for the file that
  /// was really opened, so that a link changed in between leads nowhere else. Errc::outside_file:
  /// elsewhere, or a name with a protocol ("nbd:…", "json:…"), which QEMU would take for more than
  /// a file. Errc::bad_image: there is no such file. Else as `open_source_file`.
  [[nodiscard]] Result<SourceFile> open(const SourceFile& by, const std::string& name) const;

 private:
  [[nodiscard]] bool allows(const std::filesystem::path& file) const;

  FileSystem& fs_;
  std::filesystem::path own_;
  std::vector<std::filesystem::path> below_;
};

}  // namespace weft
