// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/problem.h"

#include <algorithm>

namespace weft::fetcher::plan {

HolderSetIndex HolderSets::add(std::span<const SourceIndex> holders) {
  const auto begin = static_cast<std::ptrdiff_t>(members_.size());
  members_.insert(members_.end(), holders.begin(), holders.end());
  const auto first = members_.begin() + begin;
  if (!std::ranges::is_sorted(holders)) std::sort(first, members_.end());
  members_.erase(std::unique(first, members_.end()), members_.end());
  begins_.push_back(members_.size());
  return static_cast<HolderSetIndex>(begins_.size() - 2);
}

}  // namespace weft::fetcher::plan
