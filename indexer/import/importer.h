// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/formats/disk_format.h"
#include "indexer/store/image_writer.h"
#include "indexer/store/store.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace weft {

enum class ImportMode {
  automatic,  ///< reflink where the file is raw and the file system can, else copy
  copy,
  reflink,  ///< Errc::unsupported where the file system cannot, or the file is not raw
  in_place  ///< the file stays where it is and is the pack; Errc::unsupported if it is not raw
};

struct ImportOptions {
  std::string name;
  std::filesystem::path path;  ///< a disk image; relative to the working directory
  ImportMode mode = ImportMode::automatic;
  std::optional<DiskFormat> format{};                  ///< nullopt: as probed
  std::vector<std::filesystem::path> allow_backing{};  ///< see `AllowedFiles`
};

struct ImportProgress {
  ByteCount total;  ///< the image's size
  ByteCount done;   ///< of it, holes included
  ByteCount data;   ///< bytes read and hashed so far
};

using OnImportProgress = std::function<void(const ImportProgress&)>;

struct Imported {
  ImageInfo info;
  PackKind kind;
  ByteCount data;  ///< bytes read and hashed: the rest are holes
};

/// Makes an image of a disk image file: a raw one, or one that QEMU reads (`NbdSource`). The
/// calling thread finds the extents that have data; the pool's threads each read a piece, hash its
/// blocks and put them, with a bounded number of pieces (and so of memory: two 512 KiB buffers for
/// each thread) on the way. Holes are neither read nor hashed.
///
/// Blocks until done; must not be called from a thread of `pool`. `progress` is called on the
/// calling thread, often: at every piece that is finished. `stop` ends the import within a few
/// pieces with Errc::cancelled. Whatever ends an import before it is published, a crash included,
/// leaves nothing of it, and it can be started again.
///
/// Errc::bad_name, name_taken (both before anything is read), those of `open_source`,
/// source_changed (a file was written to meanwhile), unsupported, cancelled; errno from source or
/// store.
[[nodiscard]] Result<Imported> import_file(Store& store, FileSystem& fs, WorkerPool& pool,
                                           ImportOptions options, OnImportProgress progress,
                                           std::stop_token stop);

}  // namespace weft
