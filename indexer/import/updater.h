// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/importer.h"
#include "indexer/store/store.h"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace weft {

struct UpdateOptions {
  std::string name;                 ///< of the image that is here
  std::filesystem::path path = {};  ///< empty: the file that it was made of
  /// automatic: in place if the image is in place, else into a pack.
  ImportMode mode = ImportMode::automatic;
  std::optional<DiskFormat> format{};                  ///< nullopt: as probed
  std::vector<std::filesystem::path> allow_backing{};  ///< see `AllowedFiles`
};

struct ImportUpdate {
  ImageId old_id;
  ImageInfo info;             ///< what the name points to now
  PackKind kind;              ///< of the new image; of no meaning if nothing changed
  bool changed = false;       ///< false: the file is as it was; nothing was done
  BlockCount changed_blocks;  ///< whose digest differs from the old image's
  ByteCount data;             ///< bytes read: the rest are holes
  ByteCount hashed;           ///< of them, with SHA-256: what XXH3 did not find unchanged
};

/// Indexes a file again that an image was made of: blocks with the XXH3 sum they had are taken over
/// from the image, the others are hashed. The new image gets the name; the old one stays under its
/// id for who uses it. An image in place that still has users loses the blocks that changed: they
/// are not in the file any more.
///
/// Threads, progress, stopping and trouble are as for `import_file`, and interrupted in any way it
/// leaves the old image under its name. Besides its errors: Errc::unknown_image; bad_request if the
/// image was made of no file and none is given.
[[nodiscard]] Result<ImportUpdate> import_update(Store& store, FileSystem& fs, WorkerPool& pool,
                                                 UpdateOptions options, OnImportProgress progress,
                                                 std::stop_token stop);

}  // namespace weft
