// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_shape.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <bit>

namespace weft {
namespace {

constexpr unsigned fanout_bits = std::countr_zero(tree_fanout);

}  // namespace

TreeShape::TreeShape(ByteCount size) : size_(size) {
  WEFT_ASSERT(size.value() > 0 && size <= max_image_size, "image size out of bounds");
  std::uint64_t below = blocks().value();
  for (height_ = 1;; ++height_) {
    below = (below + tree_fanout - 1) / tree_fanout;
    nodes_[height_] = below;
    if (below == 1) return;
  }
}

std::uint64_t TreeShape::total_nodes() const {
  std::uint64_t total = 0;
  for (unsigned level = 1; level <= height_; ++level)
    total += nodes_[level];
  return total;
}

bool TreeShape::contains(TreeNode node) const {
  return node.level >= 1 && node.level <= height_ && node.index < nodes_[node.level];
}

TreeNode TreeShape::leaf_of(BlockIndex block) {
  return {1, block.value() / tree_fanout};
}

TreeNode TreeShape::parent(TreeNode node) {
  return {static_cast<std::uint8_t>(node.level + 1), node.index / tree_fanout};
}

TreeNode TreeShape::child(TreeNode node, unsigned slot) {
  return {static_cast<std::uint8_t>(node.level - 1), node.index * tree_fanout + slot};
}

unsigned TreeShape::entries(TreeNode node) const {
  const std::uint64_t below = node.level == 1 ? blocks().value() : nodes_[node.level - 1];
  return static_cast<unsigned>(std::min(below - node.index * tree_fanout, tree_fanout));
}

BlockRange TreeShape::blocks_below(TreeNode node) const {
  const unsigned shift = fanout_bits * node.level;
  const std::uint64_t first = node.index << shift;
  const std::uint64_t end = std::min((node.index + 1) << shift, blocks().value());
  return BlockRange::between(BlockIndex(first), BlockIndex(end));
}

std::vector<TreeNode> TreeShape::path_to(BlockIndex block) const {
  std::vector<TreeNode> path;
  path.reserve(height_);
  for (TreeNode node = leaf_of(block); node.level <= height_; node = parent(node))
    path.push_back(node);
  std::ranges::reverse(path);
  return path;
}

std::uint64_t TreeShape::ordinal(TreeNode node) const {
  std::uint64_t before = 0;
  for (unsigned level = height_; level > node.level; --level)
    before += nodes_[level];
  return before + node.index;
}

}  // namespace weft
