// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/pack_image.h"

#include <algorithm>
#include <utility>
#include <vector>

// An image and its lenders.
namespace weft {

std::optional<LentBlock> PackImage::offer(const Digest& digest,
                                          const std::optional<LentBlock>& last) {
  std::optional<BlockIndex> block;
  if (last) {
    // Copies of a file lie in one piece in both images: no lookup needed.
    const BlockIndex next = last->block + BlockCount(1);
    if (last->lender != pack_ || !all_blocks().contains(next)) return std::nullopt;
    block = next;
  } else {
    const DigestIndex* index = index_.load(std::memory_order_acquire);
    if (index == nullptr) return std::nullopt;
    const auto found = index->find(digest);
    if (!found || !*found || !all_blocks().contains(**found)) return std::nullopt;
    block = **found;
  }
  const auto has = tree_.block_digest(*block);
  if (!has || *has != digest) return std::nullopt;
  return place_of(*block);
}

std::optional<LentBlock> PackImage::place_of(BlockIndex block) {
  const auto run = pack_->map.leading_run({block, BlockCount(1)});
  if (run.place == Place::own || run.place == Place::source) return LentBlock{pack_, block};
  if (run.place != Place::borrowed) return std::nullopt;
  const auto borrowed = borrow_map_.find(block);
  if (!borrowed) return std::nullopt;
  auto lender = env_.desk.lender(borrowed->lender->id());
  if (!lender) return std::nullopt;
  return LentBlock{std::move(*lender), borrowed->source};
}

}  // namespace weft
