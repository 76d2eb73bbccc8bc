// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/service/loose_tree.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <optional>
#include <vector>

/// From bytes a peer sent to blocks and nodes in the store: unpack, verify, commit. On a worker.
namespace weft::fetcher {

/// What became of the blocks of a batch; each is in exactly one of the lists.
struct LandedBlocks {
  std::vector<BlockRange> readable;
  std::vector<BlockRange> zero;      ///< readable too; nothing was sent for them
  std::vector<LooseBlock> loose;     ///< right, but the store could not take it
  std::vector<BlockRange> wrong;     ///< the peer lied
  std::vector<BlockRange> unproved;  ///< the leaf is not here: land again after `missing`
  std::vector<TreeNode> missing;
  std::optional<Error> store_error;  ///< why there are loose blocks
  std::optional<Error> lie;          ///< what was wrong
};
[[nodiscard]] LandedBlocks land_blocks(LocalImage& image, const LooseTree& loose,
                                       const wire::BlockBatch& batch);

/// What became of tree nodes; each is in exactly one of the first three lists.
struct LandedNodes {
  std::vector<TreeNode> landed;
  std::vector<wire::TreeNodes::Entry> waiting;  ///< an ancestor is not here: land again after it
  std::vector<TreeNode> wrong;                  ///< the peer lied
  std::vector<TreeNode> missing;                ///< the ancestors that `waiting` waits for
  std::vector<BlockRange> readable;             ///< blocks that became readable
  std::optional<Error> store_error;
};
[[nodiscard]] LandedNodes land_nodes(LocalImage& image, LooseTree& loose,
                                     std::vector<wire::TreeNodes::Entry> nodes);

}  // namespace weft::fetcher
