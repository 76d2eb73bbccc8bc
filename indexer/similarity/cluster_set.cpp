// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/cluster_set.h"

#include "indexer/core/assert.h"
#include "indexer/core/hash.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weft {
namespace {

std::size_t stride_for(std::size_t slots) noexcept {
  return std::bit_ceil(std::max<std::size_t>((slots + 63) / 64, 1));
}

}  // namespace

std::size_t ClusterSet::bytes_for(std::size_t slots) noexcept {
  // Membership and count; 8 bytes of notes during an addition, or 20 during a removal.
  return stride_for(slots) * 8 + 8 + 20;
}

void ClusterSet::fit(std::size_t slots) {
  const std::size_t stride = stride_for(slots);
  if (stride <= stride_) return;
  words_.resize(numbers() * stride);
  // From the back, so that nothing is overwritten before it has moved.
  for (std::size_t c = numbers(); c-- > 0;) {
    for (std::size_t w = stride; w-- > 0;) {
      words_[c * stride + w] = w < stride_ ? words_[c * stride_ + w] : 0;
    }
  }
  stride_ = stride;
}

ClusterNumber ClusterSet::take_number(std::uint64_t keys) {
  WEFT_ASSERT(keys > 0, "a cluster has a key");
  ClusterNumber c = 0;
  if (unused_.empty()) {
    c = static_cast<ClusterNumber>(numbers());
    keys_.resize(numbers() + 1);
    words_.resize(words_.size() + stride_);
  } else {
    c = unused_.back();
    unused_.pop_back();
  }
  keys_[c] = keys;
  return c;
}

void ClusterSet::end(ClusterNumber c) {
  keys_[c] = 0;
  unused_.push_back(c);
}

ClusterNumber ClusterSet::split(ClusterNumber of, std::size_t slot, std::uint64_t keys) {
  WEFT_ASSERT(keys < keys_[of], "what is split leaves something");
  const ClusterNumber c = take_number(keys);
  std::ranges::copy(words(of), words(c).begin());
  keys_[of] -= keys;
  join(c, slot);
  return c;
}

ClusterNumber ClusterSet::create(std::size_t slot, std::uint64_t keys) {
  const ClusterNumber c = take_number(keys);
  std::ranges::fill(words(c), 0);
  join(c, slot);
  return c;
}

void ClusterSet::join(ClusterNumber c, std::size_t slot) noexcept {
  words_[c * stride_ + slot / 64] |= std::uint64_t{1} << slot % 64;
}

void ClusterSet::drop_key(ClusterNumber c) {
  if (--keys_[c] == 0) unused_.push_back(c);
}

std::vector<ClusterNumber> ClusterSet::leave(std::size_t slot) {
  std::vector<ClusterNumber> moved(numbers());
  std::iota(moved.begin(), moved.end(), ClusterNumber{0});
  for (ClusterNumber c = 0; c < numbers(); ++c) {
    if (keys_[c] == 0 || !has(c, slot)) continue;
    words_[c * stride_ + slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    if (std::ranges::all_of(words(c), [](std::uint64_t word) { return word == 0; })) {
      moved[c] = KeyTable::nowhere;
      end(c);
    }
  }
  merge_equal(moved);
  return moved;
}

std::vector<ClusterNumber> ClusterSet::compact() {
  std::vector<ClusterNumber> moved(numbers(), KeyTable::nowhere);
  ClusterNumber to = 0;
  for (ClusterNumber c = 0; c < numbers(); ++c) {
    if (keys_[c] == 0) continue;
    moved[c] = to;
    keys_[to] = keys_[c];
    std::ranges::copy(words(c), words(to).begin());
    ++to;
  }
  keys_.resize(to);
  words_.resize(to * stride_);
  unused_.clear();
  return moved;
}

void ClusterSet::merge_equal(std::vector<ClusterNumber>& moved) {
  // By hash, so that equal ones stand side by side; equality itself is that of all bits.
  std::vector<std::pair<std::uint64_t, ClusterNumber>> order;
  order.reserve(count());
  for (ClusterNumber c = 0; c < numbers(); ++c) {
    if (keys_[c] != 0) order.emplace_back(xxh3(std::as_bytes(words(c))), c);
  }
  std::ranges::sort(order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const ClusterNumber kept = order[i].second;
    for (std::size_t j = i + 1; j < order.size() && order[j].first == order[i].first; ++j) {
      const ClusterNumber gone = order[j].second;
      if (keys_[gone] == 0 || keys_[kept] == 0 || !std::ranges::equal(words(kept), words(gone))) {
        continue;
      }
      keys_[kept] += std::exchange(keys_[gone], 0);
      moved[gone] = kept;
      unused_.push_back(gone);
    }
  }
}

}  // namespace weft
