// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/twins.h"
#include "fetcher/service/loose_tree.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

/// Blocks of an image by their digests: for asking peers that hold them in other images. What takes
/// an image reads its tree and so may block on the disk: not for the I/O thread.
namespace weft::fetcher {

/// Digests of the blocks of `ranges`, in order. Errc::not_resident: a leaf is not here.
[[nodiscard]] Result<std::vector<Digest>> digests_of(LocalImage& image, const LooseTree& loose,
                                                     std::span<const BlockRange> ranges);

/// The blocks of `ranges` with the first 8 bytes of their digests as keys. Errc::not_resident.
[[nodiscard]] Result<std::vector<Twins::Keyed>> keyed_blocks(LocalImage& image,
                                                             std::span<const BlockRange> ranges);

/// The keys of a have query, and which blocks have them.
struct HaveKeys {
  static constexpr unsigned key_bytes = 5;  ///< one wrong "yes" in 10^12 / blocks of the peer
  std::vector<std::uint64_t> keys;          ///< ascending, each once
  std::vector<std::pair<std::size_t, BlockIndex>> blocks;  ///< by position in `keys`
};
/// Blocks that are zero, or whose leaf is not here, are left out.
[[nodiscard]] HaveKeys have_keys(LocalImage& image, const LooseTree& loose,
                                 std::span<const BlockRange> ranges);
/// The blocks whose keys were answered with yes, ascending.
[[nodiscard]] std::vector<BlockRange> held_blocks(const HaveKeys& keys,
                                                  const std::vector<bool>& answer);

/// Ranges of positions in the concatenation of `asked` as ranges of blocks, in the same order.
/// Positions past its end are left out.
[[nodiscard]] std::vector<BlockRange> blocks_at(std::span<const BlockRange> asked,
                                                std::span<const BlockRange> positions);
/// An answer by digest as if it had been asked for by range.
[[nodiscard]] wire::BlockBatch by_range(std::span<const BlockRange> asked, wire::BlockBatch batch);

}  // namespace weft::fetcher
