// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/tree/tree_node.h"

#include <span>

namespace weft {

/// Makes the tree file of a new image from block digests that come in any order.
///
/// The leaves lie one after the other in the file, so the digest of block *i* has a fixed place,
/// 32 × *i* bytes into them: each `put` is one write, and nothing is kept in memory or sorted. The
/// same holds for the nodes of every level seen from the level above: `finish` hashes the nodes of
/// one level into the next, reading only extents that have data. Holes and zero blocks are not
/// written and cost nothing.
///
/// `file` is empty at first and outlives the writer. `put` may be called from any thread, for
/// different blocks; `finish` once, after all of them. Nothing is synced here.
class TreeWriter {
 public:
  TreeWriter(File& file, ByteCount size);

  /// Digests of consecutive blocks. Blocks never put are zero.
  Result<void> put(BlockIndex first, std::span<const Digest> digests);
  /// Builds the upper levels. Returns the root's digest: the zero digest if every block is zero.
  Result<Digest> finish();

  [[nodiscard]] const TreeShape& shape() const { return shape_; }

 private:
  Result<void> put_entries(unsigned level, std::uint64_t first, std::span<const Digest> digests);
  Result<void> hash_level(unsigned level);

  const TreeShape shape_;
  File& file_;
};

}  // namespace weft
