// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/tree/tree_node.h"

#include <functional>

namespace weft {

/// One side of a comparison: a tree whose nodes can be asked for.
struct ComparedTree {
  TreeShape shape;
  Digest root;
  /// Bytes of a node that is not zero. Errc::not_resident: it is not here.
  std::function<Result<NodeBytes>(TreeNode)> load;
};

/// A run of blocks that have different digests in two trees.
struct Difference {
  BlockRange blocks;
  /// False: a node of one tree is not here and its digest differs, so that these blocks may differ.
  bool certain = true;
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// Calls `report` for each run of blocks in which two images differ, left to right, neighbouring
/// runs of equal certainty joined. Blocks past an image's end count as zero. Equal subtrees are
/// recognised by digest and not loaded: the cost grows with what differs, not with the images.
/// Stops when `report` returns false. Pure apart from `load`, whose errors are passed on.
Result<void> compare_trees(const ComparedTree& a, const ComparedTree& b,
                           std::move_only_function<bool(Difference)> report);

}  // namespace weft
