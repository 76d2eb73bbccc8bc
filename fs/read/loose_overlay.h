// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "indexer/core/error.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <span>

namespace weft::fs {

/// Fills `out` from `offset` on: loose blocks from memory, the rest from the image. Errors are
/// those of LocalImage::read. Blocks on disk I/O.
[[nodiscard]] Result<void> read_with_loose(LocalImage& image,
                                           std::span<const fetcher::LooseBlock> loose,
                                           ByteOffset offset, std::span<std::byte> out);

}  // namespace weft::fs
