// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <map>
#include <memory>

namespace weft::fetcher {

/// Verified tree nodes of one image that could not be stored (disk full), kept in memory so that
/// blocks can still be verified and reads answered. Holds at most 256 nodes (1 MiB); then it starts
/// afresh. Thread-safe; may block on the disk.
class LooseTree {
 public:
  /// Errc::digest_mismatch; not_resident: its parent is neither stored nor here.
  [[nodiscard]] Result<void> add(LocalImage& image, TreeNode node, const NodeBytes& bytes);
  /// Digest of a block, from the store or from here. Errc::not_resident.
  [[nodiscard]] Result<Digest> block_digest(LocalImage& image, BlockIndex block) const;

 private:
  [[nodiscard]] Result<NodeBytes> node(LocalImage& image, TreeNode node) const;

  static constexpr std::size_t limit = 256;
  mutable Mutex mutex_;
  std::map<TreeNode, std::shared_ptr<const NodeBytes>> nodes_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::fetcher
