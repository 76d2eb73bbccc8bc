// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/twins.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weft::fetcher {
namespace {

// A place in one number: images are numbered as they come, blocks take 40 bits of it.
constexpr unsigned block_bits = 40;
constexpr std::uint64_t block_mask = (std::uint64_t{1} << block_bits) - 1;
static_assert(max_image_size.value() / block_size <= block_mask);

constexpr BlockCount one(1);

BlockIndex block_in(std::uint64_t place) {
  return BlockIndex(place & block_mask);
}

bool contains(const std::vector<BlockRange>& ascending, BlockIndex block) {
  const auto after = std::ranges::upper_bound(ascending, block, {}, &BlockRange::first);
  return after != ascending.begin() && std::prev(after)->contains(block);
}

}  // namespace

std::uint64_t Twins::packed(std::uint64_t number, BlockIndex block) {
  return number << block_bits | block.value();
}

const ImageId* Twins::image_of(std::uint64_t place) const {
  const auto it = numbers_.find(place >> block_bits);
  return it == numbers_.end() ? nullptr : &it->second;
}

std::vector<BlockRange> Twins::claim(const ImageId& image, std::span<const Keyed> blocks,
                                     const Look& look) {
  Claimant& claimant = claimants_[image];
  if (claimant.number == 0) {
    claimant.number = ++last_number_;
    numbers_.emplace(claimant.number, image);
  }
  std::vector<BlockRange> fetch;
  for (const auto& [block, key] : blocks) {
    if (claimant.waiting.contains(block)) continue;
    const std::uint64_t own = packed(claimant.number, block);
    const std::uint64_t first = first_of_.find(key).value_or(own);
    const ImageId* holder = image_of(first);
    State state = State::gone;
    if (first != own && holder != nullptr) {
      const bool just_claimed = *holder == image && contains(fetch, block_in(first));
      state = just_claimed ? State::on_its_way : look({*holder, block_in(first)}, block);
    }
    switch (state) {
      case State::here:
        claimant.ready.push_back({{*holder, block_in(first)}, block});
        break;
      case State::on_its_way:
        claimant.waiting.emplace(block, first);
        twins_of_[first].push_back({image, block});
        break;
      case State::gone:
        first_of_.put(key, own);
        append_run(fetch, {block, one});
        break;
    }
  }
  return fetch;
}

/// What waited for `first` is ready.
void Twins::release(std::uint64_t first) {
  const auto twins = twins_of_.extract(first);
  const ImageId* holder = image_of(first);
  if (twins.empty() || holder == nullptr) return;
  for (const Place& twin : twins.mapped()) {
    const auto claimant = claimants_.find(twin.image);
    if (claimant == claimants_.end() || claimant->second.waiting.erase(twin.block) == 0) continue;
    claimant->second.ready.push_back({{*holder, block_in(first)}, twin.block});
  }
}

void Twins::landed(const ImageId& image, std::span<const BlockRange> ranges) {
  const auto claimant = claimants_.find(image);
  if (claimant == claimants_.end() || twins_of_.empty()) return;
  const std::uint64_t number = claimant->second.number;
  for (const BlockRange& range : ranges) {
    const std::uint64_t end = packed(number, range.end());
    for (auto it = twins_of_.lower_bound(packed(number, range.first));
         it != twins_of_.end() && it->first < end;) {
      const std::uint64_t first = it->first;
      ++it;
      release(first);
    }
  }
}

std::vector<Twins::Copy> Twins::take_ready(const ImageId& image, std::size_t most) {
  const auto claimant = claimants_.find(image);
  if (claimant == claimants_.end()) return {};
  std::vector<Copy>& ready = claimant->second.ready;
  std::vector<Copy> taken;
  const auto from = ready.end() - static_cast<std::ptrdiff_t>(std::min(most, ready.size()));
  std::move(from, ready.end(), std::back_inserter(taken));
  ready.erase(from, ready.end());
  std::ranges::sort(taken, {}, &Copy::to);
  return taken;
}

void Twins::put_back(const ImageId& image, std::vector<Copy> copies) {
  const auto claimant = claimants_.find(image);
  if (claimant == claimants_.end()) return;
  std::ranges::move(copies, std::back_inserter(claimant->second.ready));
}

std::vector<BlockRange> Twins::review(const ImageId& image, const Look& look) {
  const auto claimant = claimants_.find(image);
  if (claimant == claimants_.end()) return {};
  std::vector<BlockRange> fetch;
  std::vector<std::uint64_t> here;
  auto& waiting = claimant->second.waiting;
  for (auto it = waiting.begin(); it != waiting.end();) {
    const auto [twin, first] = *it;
    const ImageId* holder = image_of(first);
    const State state = holder == nullptr ? State::gone : look({*holder, block_in(first)}, twin);
    if (state == State::here) here.push_back(first);
    if (state != State::gone) {
      ++it;
      continue;
    }
    it = waiting.erase(it);
    append_run(fetch, {twin, one});
    if (const auto twins = twins_of_.find(first); twins != twins_of_.end()) {
      std::erase(twins->second, Place{image, twin});
      if (twins->second.empty()) twins_of_.erase(twins);
    }
  }
  for (const std::uint64_t first : here)
    release(first);
  return fetch;
}

void Twins::forget(const ImageId& image) {
  const auto claimant = claimants_.extract(image);
  if (claimant.empty()) return;
  for (const auto& [twin, first] : claimant.mapped().waiting) {
    const auto twins = twins_of_.find(first);
    if (twins == twins_of_.end()) continue;
    std::erase(twins->second, Place{image, twin});
    if (twins->second.empty()) twins_of_.erase(twins);
  }
  if (!claimants_.empty()) return;
  first_of_.clear();
  numbers_.clear();
}

BlockCount Twins::pending(const ImageId& image) const {
  const auto it = claimants_.find(image);
  if (it == claimants_.end()) return BlockCount(0);
  return BlockCount(it->second.waiting.size() + it->second.ready.size());
}

std::size_t Twins::ready(const ImageId& image) const {
  const auto it = claimants_.find(image);
  return it == claimants_.end() ? 0 : it->second.ready.size();
}

}  // namespace weft::fetcher
