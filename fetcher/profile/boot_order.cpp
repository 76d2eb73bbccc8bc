// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/boot_order.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace weft::fetcher {
namespace {

/// Of the n-th slice: 1, 2, 3, 3, 4, 4, 4, 4, …
plan::Tier tier_of(std::size_t slice) {
  const auto tier = static_cast<plan::Tier>(1 + std::bit_width(slice));
  return std::min(tier, boot_tiers);
}

void append(std::vector<BootSlice>& slices, std::vector<ProfileEntry> entries, bool soon,
            const BootOrderLimits& limits) {
  std::size_t at = 0;
  while (at < entries.size()) {
    const std::size_t size = slices.empty() ? limits.first_slice : limits.slice;
    const std::size_t end = std::min(entries.size(), at + std::max<std::size_t>(size, 1));
    BootSlice& slice = slices.emplace_back();
    slice.tier = soon ? soon_tier : tier_of(slices.size() - 1);
    slice.entries.assign(entries.begin() + static_cast<std::ptrdiff_t>(at),
                         entries.begin() + static_cast<std::ptrdiff_t>(end));
    std::ranges::sort(slice.entries, {}, &ProfileEntry::block);
    at = end;
  }
}

}  // namespace

std::vector<BootSlice> boot_slices(const BootProfile& profile, const BootOrderLimits& limits) {
  std::vector<ProfileEntry> boot;
  std::vector<ProfileEntry> later;
  for (const ProfileEntry& entry : profile.entries) {
    const bool usual = std::uint32_t{entry.boots} * 2 >= profile.boots;
    (usual && entry.at <= limits.ready_by ? boot : later).push_back(entry);
  }
  std::vector<BootSlice> slices;
  append(slices, std::move(boot), false, limits);
  append(slices, std::move(later), true, limits);
  return slices;
}

std::vector<BlockRange> hinted_blocks(const BootSlice& slice) {
  std::vector<BlockRange> runs;
  for (const ProfileEntry& entry : slice.entries) {
    if (!runs.empty() && entry.block < runs.back().end()) continue;
    append_run(runs, {entry.block, BlockCount(1)});
  }
  return runs;
}

std::vector<Urgency::Slice> hinted_order(std::span<const BootSlice> slices) {
  std::vector<Urgency::Slice> order;
  order.reserve(slices.size());
  for (const BootSlice& slice : slices)
    order.push_back({slice.tier, hinted_blocks(slice)});
  return order;
}

}  // namespace weft::fetcher
