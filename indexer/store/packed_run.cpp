// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/packed_run.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::size_t first_chunk = 32;
constexpr std::size_t largest_chunk = 8192;

}  // namespace

std::optional<std::uint64_t> LenderTable::number_of(LenderSlot* lender) {
  if (const auto known = numbers_.find(lender); known != numbers_.end()) return known->second;
  const std::uint64_t number = numbers_.size();
  if (number == capacity) return std::nullopt;
  auto& page = pages_[number / page_size];
  if (!page) page = std::make_unique<Page>();
  (*page)[number % page_size] = lender;
  numbers_.emplace(lender, number);
  return number;
}

PackedRun* RunArena::take(std::size_t runs) {
  if (runs > left_) {
    const std::size_t doubled = first_chunk << std::min<std::size_t>(chunks_.size(), 8);
    left_ = std::max(runs, std::min(doubled, largest_chunk));
    next_ = chunks_.emplace_back(std::make_unique_for_overwrite<PackedRun[]>(left_)).get();
    memory_ += left_ * sizeof(PackedRun);
  }
  left_ -= runs;
  PackedRun* const taken = next_;
  next_ += runs;
  return taken;
}

}  // namespace weft
