// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/tree/tree_node.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>

namespace weft {

/// Builds the hash tree of one image from its block digests, given from left to right. Pure: keeps
/// one open node per level and hands each finished node that is not all zeros to a sink; children
/// come before their parents. Zero subtrees are never emitted, and a hole costs no more than its
/// edges: O(height), whatever its length.
///
/// Use: `append…` until `blocks()` digests were given, then `finish` once. One thread. After the
/// sink failed the builder is of no more use.
/// For digests that come in any order: `TreeWriter`.
class TreeBuilder {
 public:
  /// An error is passed on by the call that caused it.
  using Sink = std::move_only_function<Result<void>(TreeNode, const NodeBytes&)>;

  TreeBuilder(ByteCount size, Sink sink);

  /// Digests of the next blocks; not more than the image has left.
  Result<void> append(std::span<const Digest> digests);
  /// The next `count` blocks are zero.
  Result<void> append_zero(BlockCount count);
  /// The root's digest: the zero digest if every block is zero. Every block was given.
  Result<Digest> finish();

  [[nodiscard]] const TreeShape& shape() const { return shape_; }
  [[nodiscard]] BlockIndex position() const { return BlockIndex(next_); }

 private:
  struct OpenNode {
    NodeBytes bytes{};
    bool used = false;  // has an entry that is not zero
  };

  void set_entry(unsigned level, std::uint64_t child, const Digest& digest);
  Result<void> close(unsigned level, std::uint64_t index);
  Result<void> move_to(std::uint64_t next);

  const TreeShape shape_;
  Sink sink_;
  std::uint64_t next_ = 0;                            // block whose digest comes next
  std::array<OpenNode, max_tree_height + 1> open_{};  // by level; [0] unused
  Digest root_;
};

}  // namespace weft
