// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_node.h"
#include "indexer/tree/verified_nodes.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace weft {

/// The hash tree of one image, as far as it is here: a sparse file with node *n* at
/// `TreeShape::ordinal(n)` × 4096.
///
/// A node is **zero** (its parent's entry is the zero digest; it has no bytes in the file),
/// **present**, or **absent**. Nothing else on disk tells them apart: the first time a node is
/// needed after opening, its bytes are compared with the digest that its parent (or the image id)
/// gives it, and whatever differs is absent: never written, torn by a power cut, or damaged.
/// So a node needs no presence bit and no ordering of writes, and what is lost is fetched again.
/// Compared once, a node is trusted until the file is closed. Nodes are not cached here: a digest
/// costs one read of 32 bytes from the page cache (0.65 µs), those of a range 4 ns each.
///
/// Thread-safe and lock-free: any method from any thread; all of them may read the file.
/// Errors: whatever the file reports, and those named below. Nodes and blocks asked for must be
/// inside the image.
class TreeFile {
 public:
  /// `info` must be consistent (`is_consistent`).
  TreeFile(std::unique_ptr<File> file, const ImageInfo& info);

  [[nodiscard]] const TreeShape& shape() const noexcept { return shape_; }

  /// Bytes of a node, all zeros for a zero node. Errc::not_resident: it, or an ancestor, is absent.
  Result<NodeBytes> load(TreeNode node);
  /// Stores a node if it is what its parent says. Errc::digest_mismatch if not,
  /// Errc::not_resident if an ancestor is absent, Errc::bad_request for a node or a length that
  /// cannot be. A node that is present or zero already is not written again.
  Result<void> put(TreeNode node, std::span<const std::byte> bytes);

  /// What its parent, or the image id, says that a node is. Errc::not_resident: an ancestor is
  /// absent. The node itself need not be here.
  Result<Digest> node_digest(TreeNode node);

  /// The zero digest for a zero block. Errc::not_resident: its leaf, or an ancestor, is absent.
  Result<Digest> block_digest(BlockIndex block);
  /// The same for consecutive blocks, as many as `out` is long: one file read for each leaf.
  Result<void> block_digests(BlockIndex first, std::span<Digest> out);

  /// Topmost absent node on the path to `block`; nullopt: `block_digest` has an answer.
  Result<std::optional<TreeNode>> first_absent(BlockIndex block);
  /// Leftmost of the topmost absent nodes with blocks in `range`. To visit all of them go on behind
  /// `shape().blocks_below(node)`. nullopt: the tree over `range` is here.
  Result<std::optional<TreeNode>> next_absent(BlockRange range);

  /// First block of `range` that is not known to be zero (SEEK_DATA): it has a digest, or is below
  /// an absent node.
  Result<std::optional<BlockIndex>> first_data(BlockRange range);
  /// First block of `range` that is known to be zero (SEEK_HOLE).
  Result<std::optional<BlockIndex>> first_zero(BlockRange range);
  /// First run of blocks of `range` not known to be zero. Reads every leaf of the run: bound
  /// `range` where the run may be long.
  Result<std::optional<BlockRange>> next_data(BlockRange range);

  /// Calls `visit` for every block of `range` that is not zero, from left to right, until it
  /// returns false; each node is read once. Errc::not_resident at the first absent node.
  Result<void> each_data(BlockRange range,
                         const std::function<bool(BlockIndex, const Digest&)>& visit);

  /// Makes what was put durable. A promise to nobody: it only saves fetching nodes again.
  Result<void> sync() { return file_->sync(); }
  [[nodiscard]] File& file() noexcept { return *file_; }

 private:
  enum class State { present, zero, absent };
  struct Located {
    State state;
    TreeNode at;  // the node asked for, or its topmost zero or absent ancestor
  };

  Result<Located> locate(TreeNode node);
  Result<State> check(TreeNode node, const Digest& expected);
  Result<Digest> expected_digest(TreeNode node);
  Result<void> read_entries(TreeNode node, unsigned first, std::span<Digest> out);
  Result<NodeBytes> read_node(TreeNode node);
  [[nodiscard]] ByteOffset place_of(TreeNode node) const;

  template <class Visit>
  Result<bool> walk(TreeNode node, const Digest& expected, BlockRange range, Visit& visit);
  Result<std::optional<BlockIndex>> find(BlockRange range, bool zero);

  const ImageInfo info_;
  const TreeShape shape_;
  const std::unique_ptr<File> file_;
  VerifiedNodes verified_;
};

}  // namespace weft
