// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/urgency.h"

#include "indexer/core/assert.h"

#include <utility>

namespace weft::fetcher {

Urgency::Urgency(std::span<const Slice> slices) {
  parts_.reserve(slices.size());
  RangeSet known;
  for (const Slice& slice : slices) {
    WEFT_ASSERT(parts_.empty() || parts_.back().tier <= slice.tier, "tiers out of order");
    RangeSet blocks(slice.blocks);
    blocks.remove(known);
    known.add(blocks);
    blocks.visit([&](BlockRange run) {
      of_.assign(run, static_cast<std::uint32_t>(parts_.size()));
      return true;
    });
    parts_.push_back({slice.tier, std::move(blocks)});
  }
}

RangeSet Urgency::Part::common(const RangeSet& wanted) const {
  RangeSet both;
  blocks.visit([&](BlockRange run) {
    for (const BlockRange& range : wanted.within(run))
      both.add(range);
    return true;
  });
  return both;
}

bool Urgency::foresees(BlockRange range) const {
  bool any = false;
  of_.for_each(range, [&](BlockRange, std::uint32_t) { any = true; });
  return any;
}

void Urgency::landed(BlockRange range) {
  std::vector<std::pair<BlockRange, std::uint32_t>> gone;
  of_.for_each(range, [&](BlockRange run, std::uint32_t part) { gone.emplace_back(run, part); });
  for (const auto& [run, part] : gone)
    parts_[part].blocks.remove(run);
  of_.erase(range);
}

}  // namespace weft::fetcher
