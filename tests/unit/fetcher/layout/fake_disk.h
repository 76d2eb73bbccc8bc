// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/layout.h"
#include "fetcher/schedule/range_set.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace weft::fetcher::layout::testing {

/// A disk in memory, of which blocks come only when they were asked for.
class FakeDisk final : public ByteSource {
 public:
  explicit FakeDisk(std::uint64_t size) : size_(size) {}

  bool read(std::uint64_t offset, std::span<std::byte> out) override {
    const BlockIndex end((offset + out.size() + block_size - 1) / block_size);
    const BlockRange range = BlockRange::between(BlockIndex(offset / block_size), end);
    if (!all_here && !here.covers(range)) {
      needed.add(range);
      return false;
    }
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = at(offset + i);
    return true;
  }
  void put(std::uint64_t offset, std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes_[offset + i] = bytes[i];
  }
  template <class T>
  void number(std::uint64_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_[offset + i] =
          static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8 * i & 0xff);
  }
  /// As `LayoutWalk` does: until nothing more is asked for.
  Findings explored() {
    for (rounds = 1; rounds < 64; ++rounds) {
      needed.clear();
      Findings found = explore(*this, size_);
      if (needed.empty()) return found;
      here.add(needed);
    }
    return explore(*this, size_);
  }

  bool all_here = false;
  RangeSet here;
  RangeSet needed;
  int rounds = 0;

 private:
  [[nodiscard]] std::byte at(std::uint64_t offset) const {
    const auto found = bytes_.find(offset);
    return found == bytes_.end() ? std::byte{0} : found->second;
  }
  std::uint64_t size_;
  std::map<std::uint64_t, std::byte> bytes_;
};

inline RangeSet set_of(const Findings& findings, Need need) {
  RangeSet set;
  for (const BlockRange& range : findings.blocks[static_cast<std::size_t>(need)])
    set.add(range);
  return set;
}

}  // namespace weft::fetcher::layout::testing
