// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/disk/disk_map.h"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weft {

/// A lock for every region of a disk, folded onto 64: whoever changes blocks, or must see them
/// unchanged for a while, holds those of their regions. Held for local disk I/O, never longer.
class RegionLocks {
 public:
  static constexpr std::size_t stripes = 64;

  /// Holds the regions of a range; taken in ascending order of their stripes.
  class Guard {
   public:
    Guard(RegionLocks& locks, BlockRange range) : locks_(locks), held_(stripes_of(range)) {
      for (std::size_t i = 0; i < stripes; ++i)
        if (held_[i]) locks_.mutexes_[i].lock();
    }
    ~Guard() {
      for (std::size_t i = 0; i < stripes; ++i)
        if (held_[i]) locks_.mutexes_[i].unlock();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    RegionLocks& locks_;
    const std::bitset<stripes> held_;
  };

 private:
  [[nodiscard]] static std::bitset<stripes> stripes_of(BlockRange range) {
    std::bitset<stripes> set;
    if (range.empty()) return set;
    const std::uint64_t first = range.first.value() / DiskMap::region_blocks;
    const std::uint64_t last = (range.end().value() - 1) / DiskMap::region_blocks;
    if (last - first >= stripes) return set.set();
    for (std::uint64_t region = first; region <= last; ++region)
      set.set(region % stripes);
    return set;
  }

  std::array<std::mutex, stripes> mutexes_;
};

}  // namespace weft
