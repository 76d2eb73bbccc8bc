// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"
#include "indexer/tree/tree_file.h"
#include "indexer/tree/tree_writer.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace weft {

/// Makes the tree file of an image that is a changed version of an old one: only nodes above
/// changed blocks are hashed, subtrees without a change are taken over from the old tree as they
/// are. The two may differ in size: a node of one tree and the node of the same level and index in
/// the other stand for the same blocks.
///
/// `put` stores digests of changed blocks at their places, in any order, like a TreeWriter;
/// `finish` goes down from the root, hashing only what changed. Nodes taken over are compared with
/// their names, as at any first use of them: Errc::not_resident if one is absent or damaged. With
/// `OldTree::in_part` a subtree taken over is absent where the old one is, and only the nodes above
/// changed blocks must be there.
///
/// `file` is empty at first; both outlive the updater. `put` may be called from any thread, for
/// different blocks; `finish` once, after all of them. Nothing is synced here.
class TreeUpdater {
 public:
  /// First changed block of a range.
  using NextChanged = std::function<std::optional<BlockIndex>(BlockRange)>;

  enum class OldTree { whole, in_part };

  TreeUpdater(File& file, ByteCount size, TreeFile& old, OldTree is = OldTree::whole);

  /// Digests of consecutive changed blocks. A changed block that was never put is zero now.
  Result<void> put(BlockIndex first, std::span<const Digest> digests);
  /// Returns the root's digest. Blocks past the old image's end that are not changed are zero.
  Result<Digest> finish(const NextChanged& next_changed);

  [[nodiscard]] std::uint64_t nodes_hashed() const noexcept { return hashed_; }

 private:
  Result<Digest> build(TreeNode node);
  Result<std::optional<Digest>> take_over(TreeNode node);
  Result<void> copy_subtree(TreeNode node);
  Result<NodeBytes> compose_leaf(TreeNode leaf);
  Result<NodeBytes> compose_inner(TreeNode node);
  [[nodiscard]] ByteOffset place_of(TreeNode node) const;

  const TreeShape shape_;
  File& file_;
  TreeFile& old_;
  const OldTree old_is_;
  TreeWriter leaves_;
  const NextChanged* next_changed_ = nullptr;
  std::uint64_t hashed_ = 0;
};

}  // namespace weft
