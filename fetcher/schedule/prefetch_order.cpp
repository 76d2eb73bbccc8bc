// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/prefetch_order.h"

#include "fetcher/wire/messages.h"

#include <algorithm>

namespace weft::fetcher {

std::vector<BlockRange> ImageOrder::pick(const RangeSet& wanted, const Holders& holders,
                                         PeerId peer, BlockCount limit) const {
  std::vector<BlockRange> picked;
  BlockCount left = limit;
  for (const BlockRange& run : wanted.ranges()) {
    for (BlockRange part : holders.held(peer, run)) {
      if (left == BlockCount(0) || picked.size() == wire::max_ranges) return picked;
      part.count = std::min(part.count, left);
      left -= part.count;
      picked.push_back(part);
    }
  }
  return picked;
}

}  // namespace weft::fetcher
