// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/residency_map.h"

#include <bit>

namespace weft {

ResidencyMap::ResidencyMap(BlockCount blocks)
    : own(blocks), zero(blocks), source(blocks), borrowed(blocks), checked(blocks) {}

bool ResidencyMap::chunk_is_readable(std::uint64_t chunk) const noexcept {
  constexpr auto all = BlockSet::Kind::all;
  return own.kind(chunk) == all || zero.kind(chunk) == all || source.kind(chunk) == all ||
         borrowed.kind(chunk) == all;
}

bool ResidencyMap::chunk_is_missing(std::uint64_t chunk) const noexcept {
  constexpr auto none = BlockSet::Kind::none;
  return own.kind(chunk) == none && zero.kind(chunk) == none && source.kind(chunk) == none &&
         borrowed.kind(chunk) == none;
}

std::optional<BlockIndex> ResidencyMap::find(BlockRange range, bool wanted) const noexcept {
  std::optional<BlockIndex> found;
  while (!range.empty() && !found) {
    const std::uint64_t chunk = range.first.value() / BlockSet::chunk_blocks;
    const BlockRange part = intersect(range, own.range_of_chunk(chunk));
    const bool uniform = wanted ? chunk_is_readable(chunk) : chunk_is_missing(chunk);
    if (uniform) return part.first;
    if (!(wanted ? chunk_is_missing(chunk) : chunk_is_readable(chunk))) {
      each_word(part, [&](std::uint64_t w, std::uint64_t mask) {
        const std::uint64_t hits = (wanted ? readable_word(w) : ~readable_word(w)) & mask;
        if (hits == 0) return true;
        found = BlockIndex(w * 64 + static_cast<std::uint64_t>(std::countr_zero(hits)));
        return false;
      });
    }
    range = BlockRange::between(part.end(), range.end());
  }
  return found;
}

bool ResidencyMap::readable(BlockRange range) const noexcept {
  return !find(range, false).has_value();
}

std::optional<BlockRange> ResidencyMap::next_missing(BlockRange range) const noexcept {
  const auto first = find(range, false);
  if (!first) return std::nullopt;
  const auto end = find(BlockRange::between(*first, range.end()), true);
  return BlockRange::between(*first, end.value_or(range.end()));
}

ResidencyMap::Run ResidencyMap::leading_run(BlockRange range) const noexcept {
  // Most reads lie in one place altogether.
  if (own.contains_all(range)) return {Place::own, range};
  const auto place_of = [this](BlockIndex b) {
    if (own.contains(b)) return Place::own;
    if (zero.contains(b)) return Place::zero;
    if (source.contains(b)) return Place::source;
    if (borrowed.contains(b)) return Place::borrowed;
    return Place::missing;
  };
  const Place place = place_of(range.first);
  BlockIndex end = range.first + BlockCount(1);
  while (end < range.end() && place_of(end) == place)
    ++end;
  return {place, BlockRange::between(range.first, end)};
}

BlockCount ResidencyMap::count_missing(BlockRange range) const noexcept {
  BlockCount missing;
  while (const auto run = next_missing(range)) {
    missing += run->count;
    range = BlockRange::between(run->end(), range.end());
  }
  return missing;
}

}  // namespace weft
