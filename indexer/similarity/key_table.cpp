// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/key_table.h"

#include <algorithm>

namespace weft {

// By doubling steps, then halving: the next key of an image is never far.
std::size_t KeyTable::lower_bound(std::uint64_t key, std::size_t from) const noexcept {
  std::size_t step = 1;
  std::size_t low = from;  // all before are below
  std::size_t high = from;
  while (high < size() && keys_[high] < key) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = std::min(high, size());
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (keys_[middle] < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace weft
