// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/short_ids.h"

#include <algorithm>

namespace weft::tools {

std::size_t unambiguous_length(const std::vector<std::string>& ids, std::size_t minimum) {
  auto sorted = ids;
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  std::size_t length = minimum;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const auto differ = std::ranges::mismatch(sorted[i - 1], sorted[i]).in1 - sorted[i - 1].begin();
    length = std::max(length, static_cast<std::size_t>(differ) + 1);
  }
  return length;
}

}  // namespace weft::tools
