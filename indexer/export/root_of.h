// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/import/block_source.h"

#include <functional>
#include <stop_token>

namespace weft {

struct HashedContent {
  Digest root;       ///< of the hash tree
  ByteCount hashed;  ///< bytes that were read and hashed; the rest are holes
};

/// Called with how far it is, in bytes of the content, holes included.
using OnHashed = std::function<void(ByteCount)>;

/// The root of the hash tree of this content, computed from its bytes alone: with the size, what
/// an image id is made of. In the calling thread, a MiB at a time. Errc::cancelled; errors of the
/// source.
[[nodiscard]] Result<HashedContent> root_of(BlockSource& content, const OnHashed& progress,
                                            const std::stop_token& stop);

}  // namespace weft
