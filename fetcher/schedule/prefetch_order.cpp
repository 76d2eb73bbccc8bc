// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/prefetch_order.h"

#include "fetcher/wire/messages.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

/// Holdings are looked up in pieces, so that a pick costs what it takes, not what there is.
constexpr BlockCount piece(1024);

}  // namespace

bool Picker::full() const {
  return left_ == BlockCount(0) || picked_.size() == wire::max_ranges;
}

bool Picker::take(BlockRange range) {
  return take(range, range.count);
}

bool Picker::take(BlockRange range, BlockCount most) {
  while (!range.empty() && most > BlockCount(0)) {
    const BlockRange now{range.first, std::min(range.count, piece)};
    for (BlockRange part : offer_.holders.held(offer_.peer, now)) {
      part.count = std::min({part.count, left_, most});
      if (part.empty()) break;
      const bool touches = !picked_.empty() && picked_.back().end() == part.first;
      if (!touches && full()) return false;
      left_ -= part.count;
      most -= part.count;
      if (touches) {
        picked_.back().count += part.count;
      } else {
        picked_.push_back(part);
      }
    }
    if (full()) return false;
    range = BlockRange::between(now.end(), range.end());
  }
  return true;
}

}  // namespace weft::fetcher
