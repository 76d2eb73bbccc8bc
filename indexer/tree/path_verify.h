// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_node.h"

#include <span>

namespace weft {

/// A node as a peer sent it.
struct PathNode {
  TreeNode node;
  std::span<const std::byte, block_size> bytes;
};

/// What a path proves about its block.
struct PathVerdict {
  /// The block's digest; the zero digest if the path ends at a zero entry.
  Digest digest;
  /// Nodes of the path that were needed: all up to the leaf, or to the node with the zero entry.
  std::size_t nodes = 0;
};

/// Checks the nodes on the way to `block`, root first, against the image id: each must have the
/// name that the one before gives it. Nothing is read beyond what was checked. Pure.
///
/// Errc::digest_mismatch: `info` is not consistent, or a node is not what it must be.
/// Errc::bad_request: a node is not on the path to `block`, or `block` is outside of the image.
/// Errc::not_resident: every node is right, but the path ends before it tells (some peer has more).
[[nodiscard]] Result<PathVerdict> verify_path(const ImageInfo& info, BlockIndex block,
                                              std::span<const PathNode> path);

}  // namespace weft
