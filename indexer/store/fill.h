// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/tree_file.h"

#include <cstddef>
#include <functional>
#include <span>

namespace weft {

/// Gives `image` the nodes on the way to a block, down to its leaf, from the whole tree of the same
/// image.
[[nodiscard]] Result<void> fill_path(LocalImage& image, TreeFile& tree, BlockIndex block);

/// Gives `image` every node and block it misses, from the whole tree of the same image and a file
/// that has its blocks in image order, and flushes it. Errc::digest_mismatch: the file is another.
[[nodiscard]] Result<void> fill(LocalImage& image, TreeFile& tree, File& data);

/// The same, from wherever the blocks are.
using ReadBlocks = std::function<Result<void>(BlockRange, std::span<std::byte>)>;
[[nodiscard]] Result<void> fill(LocalImage& image, TreeFile& tree, const ReadBlocks& read);

}  // namespace weft
