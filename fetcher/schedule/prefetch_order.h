// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/holders.h"
#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/range.h"

#include <vector>

namespace weft::fetcher {

/// Which of the blocks nobody waits for yet a source brings next. Pure. A boot profile, or a plan
/// with a queue for each source, takes this place.
class PrefetchOrder {
 public:
  virtual ~PrefetchOrder() = default;
  /// Up to `limit` blocks out of `wanted` that `peer` holds, in the order they shall be sent.
  [[nodiscard]] virtual std::vector<BlockRange> pick(const RangeSet& wanted, const Holders& holders,
                                                     PeerId peer, BlockCount limit) const = 0;
};

/// From the start of the image to its end.
class ImageOrder final : public PrefetchOrder {
 public:
  [[nodiscard]] std::vector<BlockRange> pick(const RangeSet& wanted, const Holders& holders,
                                             PeerId peer, BlockCount limit) const override;
};

}  // namespace weft::fetcher
