// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/import/formats/disk_format.h"
#include "indexer/import/formats/file_references.h"
#include "indexer/import/source_file.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

namespace weft {

/// One image file of a chain with the files its content is in.
struct ImageLayer {
  DiskFormat format = DiskFormat::raw;
  SourceFile file;
  std::optional<SourceFile> data_file;       ///< qcow2
  std::optional<VmdkDescriptor> descriptor;  ///< VMDK whose extents are files of their own
  std::vector<SourceFile> extents;           ///< one for each extent of `descriptor`
};

/// An image and the backing files below it, top first, each file open and allowed to be read: what
/// QEMU will be given, and all it will be given. Constant once opened.
struct ImageChain {
  static constexpr std::size_t max_layers = 64;
  static constexpr std::size_t max_files = 768;  ///< descriptors, here and in `qemu-nbd`

  std::vector<ImageLayer> layers;

  /// Errc::source_changed for the first file that is not what it was. `fs` as for `open_chain`.
  [[nodiscard]] Result<void> check_unchanged(FileSystem& fs) const;
};

/// Resolves and opens the files below `top`, an image in `format`, which is not raw.
///
/// A backing file is opened as its header says; where that says nothing, as it is probed, unless
/// it looks raw: a guest that writes another format's header to a raw disk must not choose how it
/// is read. Names are followed as `AllowedFiles` says, at most `max_layers` deep.
///
/// Errc::bad_image (with file, reason and remedy), outside_file; errno from the files.
[[nodiscard]] Result<ImageChain> open_chain(FileSystem& fs, SourceFile top, DiskFormat format,
                                            const std::vector<std::filesystem::path>& allowed);

}  // namespace weft
