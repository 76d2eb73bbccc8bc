// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"

#include <array>
#include <optional>
#include <span>
#include <vector>

/// Where something that changed is in a newer image, by what lies around it. Pure.
namespace weft::fetcher {

/// A block of the older image: where it was, and where its content is in the newer one, if it is.
struct AlignedBlock {
  BlockIndex was;
  std::optional<BlockIndex> is;
};

/// A guess from what lies before, one from what lies behind; the same only once.
using Guesses = std::array<std::optional<BlockIndex>, 2>;

/// One element for each block, empty where `is` is known. `blocks` ascend by `was`.
///
/// A file that grew moves everything behind it by the same distance: what was changed between two
/// blocks that moved lies where the one before it moved to, or the one behind, and the two
/// distances differ by what was put in. Only distances that two neighbours agree on count, since
/// single blocks occur in many places; and only up to 64 MiB from them.
[[nodiscard]] std::vector<Guesses> guess_places(std::span<const AlignedBlock> blocks);

}  // namespace weft::fetcher
