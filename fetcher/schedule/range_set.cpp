// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/range_set.h"

#include "indexer/core/assert.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

BlockRange run(std::uint64_t first, std::uint64_t end) {
  return BlockRange::between(BlockIndex(first), BlockIndex(end));
}

}  // namespace

RangeSet::RangeSet(const std::vector<BlockRange>& ranges) {
  for (const BlockRange& range : ranges)
    add(range);
}

RangeSet::Runs::const_iterator RangeSet::find(std::uint64_t block) const {
  auto next = runs_.upper_bound(block);
  if (next != runs_.begin()) {
    if (auto before = std::prev(next); before->second > block) return before;
  }
  return next;
}

void RangeSet::add(BlockRange range) {
  if (range.empty()) return;
  std::uint64_t first = range.first.value();
  std::uint64_t end = range.end().value();
  auto it = runs_.upper_bound(first);
  if (it != runs_.begin() && std::prev(it)->second >= first) --it;  // touches on the left
  while (it != runs_.end() && it->first <= end) {
    first = std::min(first, it->first);
    end = std::max(end, it->second);
    count_ -= it->second - it->first;
    it = runs_.erase(it);
  }
  runs_.emplace_hint(it, first, end);
  count_ += end - first;
}

void RangeSet::add(const RangeSet& other) {
  for (const auto& [first, end] : other.runs_)
    add(run(first, end));
}

void RangeSet::remove(BlockRange range) {
  if (range.empty()) return;
  const std::uint64_t first = range.first.value();
  const std::uint64_t end = range.end().value();
  auto it = find(first);
  while (it != runs_.end() && it->first < end) {
    const auto [run_first, run_end] = *it;
    count_ -= std::min(end, run_end) - std::max(first, run_first);
    it = runs_.erase(runs_.find(run_first));
    if (run_first < first) runs_.emplace_hint(it, run_first, first);
    if (run_end > end) runs_.emplace_hint(it, end, run_end);
  }
}

void RangeSet::remove(const RangeSet& other) {
  for (const auto& [first, end] : other.runs_)
    remove(run(first, end));
}

void RangeSet::clear() {
  runs_.clear();
  count_ = 0;
}

bool RangeSet::contains(BlockIndex block) const {
  const auto it = find(block.value());
  return it != runs_.end() && it->first <= block.value();
}

bool RangeSet::covers(BlockRange range) const {
  if (range.empty()) return true;
  const auto it = find(range.first.value());
  return it != runs_.end() && it->first <= range.first.value() && it->second >= range.end().value();
}

bool RangeSet::overlaps(BlockRange range) const {
  return first_within(range).has_value();
}

BlockIndex RangeSet::first() const {
  WEFT_ASSERT(!runs_.empty(), "first() of an empty set");
  return BlockIndex(runs_.begin()->first);
}

BlockIndex RangeSet::last() const {
  WEFT_ASSERT(!runs_.empty(), "last() of an empty set");
  return BlockIndex(runs_.rbegin()->second - 1);
}

std::optional<BlockRange> RangeSet::first_within(BlockRange range) const {
  if (range.empty()) return std::nullopt;
  const auto it = find(range.first.value());
  if (it == runs_.end()) return std::nullopt;
  const BlockRange clipped = intersect(run(it->first, it->second), range);
  if (clipped.empty()) return std::nullopt;
  return clipped;
}

std::optional<BlockRange> RangeSet::first_gap(BlockRange range) const {
  if (range.empty()) return std::nullopt;
  auto it = find(range.first.value());
  // Runs are maximal: what follows one is a gap.
  const bool inside = it != runs_.end() && it->first <= range.first.value();
  const std::uint64_t begin = inside ? it->second : range.first.value();
  if (inside) ++it;
  const std::uint64_t end = it == runs_.end() ? range.end().value() : it->first;
  const BlockRange clipped =
      BlockRange::between(BlockIndex(begin), std::min(BlockIndex(end), range.end()));
  if (clipped.empty()) return std::nullopt;
  return clipped;
}

std::vector<BlockRange> RangeSet::within(BlockRange range) const {
  std::vector<BlockRange> found;
  if (range.empty()) return found;
  for (auto it = find(range.first.value()); it != runs_.end() && it->first < range.end().value();
       ++it) {
    found.push_back(intersect(run(it->first, it->second), range));
  }
  return found;
}

std::vector<BlockRange> RangeSet::gaps(BlockRange range) const {
  std::vector<BlockRange> found;
  BlockIndex at = range.first;
  for (const BlockRange& part : within(range)) {
    if (at < part.first) found.push_back(BlockRange::between(at, part.first));
    at = part.end();
  }
  if (at < range.end()) found.push_back(BlockRange::between(at, range.end()));
  return found;
}

std::vector<BlockRange> RangeSet::ranges() const {
  std::vector<BlockRange> all;
  all.reserve(runs_.size());
  for (const auto& [first, end] : runs_)
    all.push_back(run(first, end));
  return all;
}

void RangeSet::check_invariants() const {
  std::uint64_t sum = 0;
  std::optional<std::uint64_t> last;
  for (const auto& [first, end] : runs_) {
    WEFT_ASSERT(first < end, "a run is empty");
    WEFT_ASSERT(!last || *last < first, "runs touch or are out of order");
    sum += end - first;
    last = end;
  }
  WEFT_ASSERT(sum == count_, "count is off");
}

RangeSet intersect(const RangeSet& a, const RangeSet& b) {
  const RangeSet& outer = a.runs() <= b.runs() ? a : b;
  const RangeSet& inner = &outer == &a ? b : a;
  RangeSet both;
  for (const BlockRange& range : outer.ranges()) {
    for (const BlockRange& part : inner.within(range))
      both.add(part);
  }
  return both;
}

}  // namespace weft::fetcher
