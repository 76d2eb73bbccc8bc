// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/import/block_source.h"
#include "indexer/tree/image_id.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

namespace weft {

enum class DetachFormat : std::uint8_t { raw, qcow2 };

[[nodiscard]] std::string_view to_string(DetachFormat format) noexcept;
[[nodiscard]] std::optional<DetachFormat> parse_detach_format(std::string_view text) noexcept;

struct DetachOptions {
  std::filesystem::path target;  ///< absolute
  DetachFormat format = DetachFormat::raw;
  bool replace = false;  ///< a regular file at the target
};

/// What was made, with its proof.
struct Detached {
  Digest root;          ///< recomputed from the file that was written
  ByteCount hashed;     ///< bytes read back from it for that; the rest are holes
  bool shared = false;  ///< its extents are shared with the pack, nothing was copied
  bool moved = false;   ///< it is the pack, which the store does not have any more
};

/// Bytes of all that there is to do: writing, converting and reading back.
using OnDetachProgress = std::function<void(ByteCount done, ByteCount total)>;

/// Makes a plain file of an image, or of whatever else reads like one (`content`, whose root and
/// size are `expected`). The file is written beside its place (shared extents where the file
/// system can, else a copy that keeps the holes), made durable, dropped from the page cache, read
/// back and hashed. Only with the expected root does it come to its place; whatever else happens,
/// nothing of it is left, and what was at the place stays.
///
/// qcow2 is made from the raw file by `qemu-img`, and read back through `qemu-nbd`: for a moment
/// both are on the disk.
///
/// In the calling thread, which must outlive it; blocks until done. Errc::not_resident: a block
/// is missing. bad_request: not an absolute path to a file, or something else than a regular file
/// is there; std::errc::file_exists; digest_mismatch: the disk gives back other bytes than were
/// written; unsupported, helper_failed (qcow2); cancelled; ENOSPC and other errno.
[[nodiscard]] Result<Detached> detach(BlockSource& content, const ImageInfo& expected,
                                      FileSystem& fs, const DetachOptions& options,
                                      const OnDetachProgress& progress,
                                      const std::stop_token& stop);

}  // namespace weft
