// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/core/units.h"

#include <array>
#include <compare>
#include <cstdint>
#include <vector>

/// Geometry of the hash tree over an image's blocks. Pure arithmetic, a value type.
///
/// Level 0 are the blocks. A node of level 1 holds the digests of 128 consecutive blocks, a node
/// of level n + 1 the digests of 128 consecutive nodes of level n; a node is 4096 bytes and unused
/// entries at the right edge are zero digests. The root is the only node of level `height()` ≥ 1.
namespace weft {

inline constexpr std::uint64_t tree_fanout = 128;
inline constexpr unsigned max_tree_height = 6;  // 128⁶ blocks > max_image_size

struct TreeNode {
  std::uint8_t level = 1;
  std::uint64_t index = 0;  ///< within its level, from the left
  friend constexpr auto operator<=>(const TreeNode&, const TreeNode&) = default;
};

class TreeShape {
 public:
  /// `size` is 1 … max_image_size.
  explicit TreeShape(ByteCount size);

  [[nodiscard]] ByteCount image_size() const { return size_; }
  [[nodiscard]] BlockCount blocks() const { return blocks_for(size_); }
  [[nodiscard]] unsigned height() const { return height_; }
  [[nodiscard]] TreeNode root() const { return {static_cast<std::uint8_t>(height_), 0}; }
  /// Nodes of `level` (1 … height()).
  [[nodiscard]] std::uint64_t nodes_at(unsigned level) const { return nodes_[level]; }
  [[nodiscard]] std::uint64_t total_nodes() const;
  [[nodiscard]] bool contains(TreeNode node) const;

  [[nodiscard]] static TreeNode leaf_of(BlockIndex block);
  [[nodiscard]] static TreeNode parent(TreeNode node);
  /// What entry `slot` of `node` stands for; below a leaf it is a block, level 0. At the right edge
  /// it may be past the image: see `contains`.
  [[nodiscard]] static TreeNode child(TreeNode node, unsigned slot);
  /// Entry of `node` in its parent, or of a block in its leaf.
  [[nodiscard]] static unsigned slot(TreeNode node) { return node.index % tree_fanout; }
  [[nodiscard]] static unsigned slot(BlockIndex block) { return block.value() % tree_fanout; }
  /// Entries of `node` that stand for nodes or blocks of this image: 128 but at the right edge.
  [[nodiscard]] unsigned entries(TreeNode node) const;
  /// Blocks below `node`, clipped to the image.
  [[nodiscard]] BlockRange blocks_below(TreeNode node) const;
  /// Root first, leaf last.
  [[nodiscard]] std::vector<TreeNode> path_to(BlockIndex block) const;
  /// Position in the tree file, in nodes: root first, then level by level down, left to right.
  [[nodiscard]] std::uint64_t ordinal(TreeNode node) const;

 private:
  ByteCount size_;
  unsigned height_ = 1;
  std::array<std::uint64_t, max_tree_height + 1> nodes_{};  // [0] unused
};

}  // namespace weft
