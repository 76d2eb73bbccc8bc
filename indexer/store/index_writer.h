// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/store/image_paths.h"
#include "indexer/tree/tree_file.h"

namespace weft {

struct IndexWriterOptions {
  /// Taken at most; the leaves are read as often as that asks for.
  ByteCount memory{32u << 20};
};

/// Makes the index of an image from the tree as far as it is here, beside its place, and renames it
/// there. Returns whether that was the whole tree: then the index is durable. One of a part is not
/// synced: should it be torn, it is made again or gives answers that are found to be wrong.
[[nodiscard]] Result<bool> write_digest_index(FileSystem& fs, const ImagePaths& paths,
                                              const ImageId& image, TreeFile& tree,
                                              IndexWriterOptions options = {});

}  // namespace weft
