// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/block_search.h"
#include "indexer/store/image_table.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weft {

/// What peers can have of this node by digest, in whatever image it is: the answers to have
/// queries, and the blocks. Looks at indexes first, and opens an image only if it may have
/// something. Takes none of the table's locks for long: an image that is removed meanwhile gives
/// other bytes, which are compared, or none. Thread-safe.
class Holdings {
 public:
  explicit Holdings(ImageTable& table) : table_(table) {}

  /// As Store::holds and Store::read_blocks_by_digest.
  [[nodiscard]] Result<std::vector<bool>> holds(std::span<const DigestKey> keys,
                                                unsigned key_bytes);
  [[nodiscard]] Result<std::vector<bool>> read(std::span<const Digest> digests,
                                               std::span<std::byte> blocks);

 private:
  /// Images with an index; the one that answered last comes first, for a peer asks for block after
  /// block of the same one.
  [[nodiscard]] std::vector<ImageId> candidates() WEFT_EXCLUDES(mutex_);
  void answered(const ImageId& id) WEFT_EXCLUDES(mutex_);

  ImageTable& table_;
  Mutex mutex_;
  ImageId answered_last_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
