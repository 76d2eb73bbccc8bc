// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"
#include "indexer/tree/image_id.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace weft {

enum class PackKind {
  own,      ///< a pack in the state directory that receives the blocks by copy
  reflink,  ///< the same, sharing extents with the source (Errc::unsupported where it cannot)
  in_place  ///< the source file itself is the pack
};

struct ImportTarget {
  std::string name;
  ByteCount size;
  PackKind kind = PackKind::own;
  std::filesystem::path source;  ///< absolute path of the file imported
};

/// An image being made. Invisible until `publish`; destroying it before that leaves nothing behind.
/// `put` may be called from several threads at once for different ranges; the rest by one.
class ImageWriter {
 public:
  virtual ~ImageWriter() = default;
  /// For reflink imports: shares the extent before its blocks are put.
  [[nodiscard]] virtual Result<void> clone(File& source, Extent extent) = 0;
  /// Records digests and sums of consecutive blocks and, for PackKind::own, writes the non-zero
  /// ones. `bytes` is digests.size() × 4096 long; ranges never put are zero.
  [[nodiscard]] virtual Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                                         std::span<const Digest> digests) = 0;
  /// Builds the tree, makes everything durable, registers name and image last (one transaction).
  /// An image with the same content that is already here gets the name and this copy is dropped.
  [[nodiscard]] virtual Result<ImageInfo> publish() = 0;
};

}  // namespace weft
