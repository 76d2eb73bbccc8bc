// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <vector>

/// What of an image is not here. These functions read the tree file and so may block on the disk:
/// not for the I/O thread.
namespace weft::fetcher {

struct Missing {
  std::vector<BlockRange> blocks;  ///< may hold data and are not readable
  std::vector<TreeNode> nodes;     ///< on the paths to them, each down to the leaf
};
/// Makes readable what of `range` other local images hold. What cannot be is fetched, so errors do
/// not matter.
void resolve_missing(LocalImage& image, BlockRange range);
/// Everything a read of `range` waits for. Blocks below a missing node are among `blocks`, since
/// nobody knows yet that they are zero.
[[nodiscard]] Result<Missing> look_up_missing(LocalImage& image, BlockRange range);

struct TreeAhead {
  std::vector<TreeNode> nodes;
  BlockIndex complete_to;  ///< every leaf before this block is here, or proved to be zero
};
/// Missing tree nodes over `window`, at most `limit`, to be asked for together: the topmost ones,
/// and where a whole subtree is unknown also its path down to the first leaves, so that a cold
/// start takes one round trip, not one for each level.
[[nodiscard]] Result<TreeAhead> look_up_tree(LocalImage& image, BlockRange window,
                                             std::size_t limit);

struct BlocksAhead {
  std::vector<BlockRange> blocks;
  BlockIndex looked_to;
};
/// Missing blocks of `region`, whose leaves are all here, up to `limit` of them.
[[nodiscard]] Result<BlocksAhead> look_up_blocks(LocalImage& image, BlockRange region,
                                                 BlockCount limit);

/// The parts of `ranges` that are not readable now. Takes no lock: for any thread.
[[nodiscard]] std::vector<BlockRange> not_readable(const LocalImage& image,
                                                   const std::vector<BlockRange>& ranges);
/// The parts of `range` that are readable now.
[[nodiscard]] std::vector<BlockRange> readable_parts(const LocalImage& image, BlockRange range);

}  // namespace weft::fetcher
