// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <vector>

// An image as the version that comes after it sees it.
namespace weft {

void PackImage::comparable_sums(BlockIndex first, std::span<std::uint64_t> out) {
  sums_.load(first, out);
  if (pack_->map.readable({first, BlockCount(out.size())})) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!pack_->map.readable({first + BlockCount(i), BlockCount(1)})) out[i] = 0;
  }
}

Result<void> PackImage::each_data(BlockRange range,
                                  const std::function<Result<void>(BlockRange)>& visit) {
  for (range = intersect(range, all_blocks()); !range.empty();) {
    WEFT_TRY(const auto first, tree_.first_data(range));
    if (!first) return {};
    // In steps: how far a run of data goes is found out by reading its leaves.
    const BlockRange step =
        intersect(BlockRange::between(*first, range.end()), {*first, BlockCount(tree_fanout)});
    WEFT_TRY(const auto zero, tree_.first_zero(step));
    const auto run = BlockRange::between(*first, zero.value_or(step.end()));
    WEFT_CHECK(visit(run));
    range = BlockRange::between(run.end(), range.end());
  }
  return {};
}

std::vector<BorrowRecord> PackImage::holders(BlockRange range) {
  std::vector<BorrowRecord> out;
  for (range = intersect(range, all_blocks()); !range.empty();) {
    const auto run = pack_->map.leading_run(range);
    if (run.place == Place::own || run.place == Place::source) {
      out.push_back({run.range, row_.info.id, run.range.first});
    }
    for (BlockRange rest = run.range; run.place == Place::borrowed && !rest.empty();) {
      const auto lent = borrow_map_.find(rest.first);
      if (!lent) break;
      const BlockRange part = intersect(rest, lent->blocks);
      out.push_back({part, lent->lender->id(), lent->source});
      rest = BlockRange::between(part.end(), rest.end());
    }
    range = BlockRange::between(run.range.end(), range.end());
  }
  return out;
}

bool PackImage::is_full() const {
  const ResidencyMap& map = pack_->map;
  return !row_.in_place && map.borrowed.count() == BlockCount(0) && map.readable(all_blocks());
}

}  // namespace weft
