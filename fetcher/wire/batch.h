// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <span>
#include <vector>

/// The blocks of a batch, compressed together. Pure; to be called on workers. Each thread keeps its
/// zstd context.
namespace weft::fetcher::wire {

struct Packed {
  bool compressed = false;
  std::vector<std::byte> bytes;
};

/// One zstd frame over `blocks` (at most blocks_per_batch of them), or the blocks as they are: for
/// level 0, and where compression saves less than a thirty-second.
[[nodiscard]] Packed pack(std::span<const std::byte> blocks, int level);

/// The blocks of `batch.ranges`, concatenated. Errc::peer_misbehaved: not what the ranges say. The
/// size a zstd frame claims is compared with the ranges before memory is taken.
[[nodiscard]] Result<std::vector<std::byte>> unpack(BlockBatch batch);

}  // namespace weft::fetcher::wire
