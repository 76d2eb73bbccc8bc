// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/assert.h"
#include "indexer/core/range.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace weft::fetcher {

/// Disjoint runs of blocks, each with a small value: who has a block in flight. Value type.
template <class T>
class RangeMap {
 public:
  /// No block of `range` may have a value yet.
  void assign(BlockRange range, T value) {
    if (range.empty()) return;
    auto it = find(range.first.value());
    WEFT_ASSERT(it == runs_.end() || it->first >= range.end().value(), "block has a value already");
    runs_.emplace(range.first.value(), Run{range.end().value(), std::move(value)});
    count_ += range.count.value();
  }

  void erase(BlockRange range) {
    if (range.empty()) return;
    const std::uint64_t first = range.first.value();
    const std::uint64_t end = range.end().value();
    for (auto it = find(first); it != runs_.end() && it->first < end;) {
      const std::uint64_t run_first = it->first;
      Run run = std::move(it->second);
      it = runs_.erase(it);
      count_ -= run.end - run_first;
      if (run_first < first) put(run_first, first, run.value);
      if (run.end > end) {
        put(end, run.end, run.value);
        break;
      }
    }
  }

  /// Calls `visit(BlockRange clipped, const T&)` for each run that meets `range`, ascending.
  /// `visit` must not change the map.
  template <class Visit>
  void for_each(BlockRange range, Visit&& visit) const {
    if (range.empty()) return;
    for (auto it = find(range.first.value()); it != runs_.end() && it->first < range.end().value();
         ++it) {
      visit(
          intersect(BlockRange::between(BlockIndex(it->first), BlockIndex(it->second.end)), range),
          it->second.value);
    }
  }

  [[nodiscard]] const T* at(BlockIndex block) const {
    auto it = find(block.value());
    return it != runs_.end() && it->first <= block.value() ? &it->second.value : nullptr;
  }
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  [[nodiscard]] BlockCount count() const { return BlockCount(count_); }

 private:
  struct Run {
    std::uint64_t end;
    T value;
  };
  using Runs = std::map<std::uint64_t, Run>;

  void put(std::uint64_t first, std::uint64_t end, const T& value) {
    runs_.emplace(first, Run{end, value});
    count_ += end - first;
  }
  /// First run that ends after `block`.
  [[nodiscard]] typename Runs::const_iterator find(std::uint64_t block) const {
    auto next = runs_.upper_bound(block);
    if (next != runs_.begin()) {
      if (auto before = std::prev(next); before->second.end > block) return before;
    }
    return next;
  }
  [[nodiscard]] typename Runs::iterator find(std::uint64_t block) {
    auto next = runs_.upper_bound(block);
    if (next != runs_.begin()) {
      if (auto before = std::prev(next); before->second.end > block) return before;
    }
    return next;
  }

  Runs runs_;
  std::uint64_t count_ = 0;
};

}  // namespace weft::fetcher
