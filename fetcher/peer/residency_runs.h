// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <vector>

/// What a node announces of an image it holds in part. Pure, apart from asking the image.
namespace weft::fetcher {

/// Runs of blocks, ascending, not touching.
using Runs = std::vector<BlockRange>;

struct Holdings {
  bool complete = false;  ///< every block; `runs` is empty then
  Runs runs;
};

/// The readable blocks of `image`. At most `limit` runs, from its start: an announcement may say
/// less than there is, never more. Blocks on disk I/O: worker only.
[[nodiscard]] Holdings holdings_of(LocalImage& image, std::size_t limit);

/// Blocks of `a` that are not in `b`.
[[nodiscard]] Runs difference(const Runs& a, const Runs& b);

/// The frames that take a peer that knows `before` to `after`; at least one if `first`.
[[nodiscard]] std::vector<wire::Residency> announcements(const ImageId& image,
                                                         const Holdings& before,
                                                         const Holdings& after, bool first);

}  // namespace weft::fetcher
