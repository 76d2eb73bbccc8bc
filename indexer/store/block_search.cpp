// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/block_search.h"

#include "indexer/core/assert.h"
#include "indexer/tree/tree_shape.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

namespace weft {

BlockSearch::BlockSearch(std::span<const Digest> digests) : digests_(digests) {
  WEFT_ASSERT(digests.size() <= std::numeric_limits<std::uint32_t>::max(), "too many at once");
  for (std::uint32_t i = 0; i < digests.size(); ++i) {
    if (!digests[i].is_zero()) order_.push_back(i);
  }
  std::ranges::sort(order_, {}, [&](std::uint32_t i) {
    return std::tuple<const Digest&, std::uint32_t>(digests[i], i);
  });
  for (std::uint32_t at = 0; at < order_.size(); ++at) {
    if (at > 0 && digests[order_[at]] == digests[order_[at - 1]]) {
      ++groups_.back().count;
      continue;
    }
    groups_.push_back({at, 1});
    keys_.push_back(digest_key(digests[order_[at]]));
  }
}

Result<std::vector<BlockSearch::Candidate>> BlockSearch::candidates(
    const DigestIndex& index) const {
  std::vector<Candidate> out;
  WEFT_CHECK(index.match(keys_, 0, [&](std::size_t position, BlockIndex block) {
    out.push_back({block, static_cast<std::uint32_t>(position)});
  }));
  return out;
}

void BlockSearch::settle(std::vector<Candidate> candidates, const Usable& usable,
                         const Digests& digests, const Take& take) {
  std::erase_if(candidates, [&](const Candidate& c) { return !usable(c.block); });
  std::ranges::sort(candidates, {},
                    [](const Candidate& c) { return std::tie(c.block, c.position); });
  std::vector<bool> found(keys_.size());
  std::array<Digest, tree_fanout> leaf;
  for (std::size_t at = 0; at < candidates.size();) {
    // All candidates below one leaf, and so one read.
    const BlockIndex first = candidates[at].block;
    const TreeNode node = TreeShape::leaf_of(first);
    std::size_t end = at;
    while (end < candidates.size() && TreeShape::leaf_of(candidates[end].block) == node)
      ++end;
    const std::size_t count = (candidates[end - 1].block - first).value() + 1;
    const bool known = digests(first, std::span(leaf).first(count)).has_value();
    for (; at < end; ++at) {
      const Candidate& c = candidates[at];
      if (!known || found[c.position]) continue;
      const auto group =
          std::span(order_).subspan(groups_[c.position].first, groups_[c.position].count);
      if (leaf[(c.block - first).value()] != digests_[group.front()]) continue;
      for (const std::uint32_t wanted : group)
        found[c.position] = take(wanted, c.block);
    }
  }
  drop_found(found);
}

void BlockSearch::drop_found(const std::vector<bool>& found) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (found[i]) continue;
    keys_[kept] = keys_[i];
    groups_[kept] = groups_[i];
    ++kept;
  }
  keys_.resize(kept);
  groups_.resize(kept);
}

}  // namespace weft
