// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_map.h"

#include <algorithm>
#include <bit>

namespace weft {
namespace {

constexpr std::uint64_t low_bits = 0x5555'5555'5555'5555;

constexpr std::uint64_t repeat(DiskPlace place) {
  return static_cast<std::uint64_t>(place) * low_bits;
}

std::uint64_t count_written(std::uint64_t word) {
  return static_cast<std::uint64_t>(std::popcount(word & low_bits));
}

// The bits of blocks [from, to) of a word; from < to ≤ 32.
std::uint64_t mask_of(std::uint64_t from, std::uint64_t to) {
  return (~std::uint64_t{0} << (2 * from)) & (~std::uint64_t{0} >> (64 - 2 * to));
}

}  // namespace

const DiskMap::Chunk DiskMap::all_below_(repeat(DiskPlace::below));
const DiskMap::Chunk DiskMap::all_zero_(repeat(DiskPlace::zero));

DiskMap::DiskMap(BlockCount blocks)
    : blocks_(blocks),
      chunks_((blocks.value() + chunk_blocks - 1) / chunk_blocks),
      slots_(std::make_unique<std::atomic<const Chunk*>[]>(chunks_)) {
  for (std::uint64_t i = 0; i < chunks_; ++i)
    slots_[i].store(&all_below_, std::memory_order_relaxed);
}

DiskMap::~DiskMap() {
  for (std::uint64_t i = 0; i < chunks_; ++i) {
    const Chunk* own = chunk(i);
    if (!is_shared(own)) delete own;
  }
}

BlockRange DiskMap::range_of(std::uint64_t chunk) const noexcept {
  return intersect({BlockIndex(chunk * chunk_blocks), BlockCount(chunk_blocks)},
                   {BlockIndex(0), blocks_});
}

DiskPlace DiskMap::place(BlockIndex block) const noexcept {
  const std::uint64_t in_chunk = block.value() % chunk_blocks;
  const std::uint64_t word =
      chunk(chunk_of(block))->words[in_chunk / word_blocks].load(std::memory_order_acquire);
  return static_cast<DiskPlace>((word >> (2 * (in_chunk % word_blocks))) & 3);
}

DiskMap::Run DiskMap::leading_run(BlockRange range) const noexcept {
  const DiskPlace place = this->place(range.first);
  std::uint64_t at = range.first.value();
  while (at < range.end().value()) {
    const Chunk* here = chunk(at / chunk_blocks);
    if (is_shared(here)) {
      if (here != (place == DiskPlace::below ? &all_below_ : &all_zero_)) break;
      at = (at / chunk_blocks + 1) * chunk_blocks;
      continue;
    }
    const std::uint64_t in_chunk = at % chunk_blocks;
    const std::uint64_t word =
        here->words[in_chunk / word_blocks].load(std::memory_order_acquire) ^ repeat(place);
    const std::uint64_t differs = word >> (2 * (in_chunk % word_blocks));
    if (differs != 0) {
      at += static_cast<std::uint64_t>(std::countr_zero(differs)) / 2;
      break;
    }
    at += word_blocks - in_chunk % word_blocks;
  }
  // A block may have changed its place since it was looked at first: the run is it alone then.
  const std::uint64_t end = std::clamp(at, range.first.value() + 1, range.end().value());
  return {place, BlockRange::between(range.first, BlockIndex(end))};
}

std::optional<BlockRange> DiskMap::next(BlockRange range, DiskPlace place) const noexcept {
  while (!range.empty()) {
    const Run run = leading_run(range);
    if (run.place == place) return run.range;
    range = BlockRange::between(run.range.end(), range.end());
  }
  return std::nullopt;
}

bool DiskMap::all_in(BlockRange range, DiskPlace place) const noexcept {
  if (range.empty()) return true;
  const Run run = leading_run(range);
  return run.place == place && run.range.count == range.count;
}

DiskMap::Chunk& DiskMap::own_chunk(std::uint64_t index) {
  const Chunk* there = chunk(index);
  while (is_shared(there)) {
    auto fresh =
        std::make_unique<Chunk>(repeat(there == &all_zero_ ? DiskPlace::zero : DiskPlace::below));
    // Regions of one chunk are changed side by side: the first one to come makes the chunk.
    if (slots_[index].compare_exchange_strong(there, fresh.get(), std::memory_order_acq_rel)) {
      return *fresh.release();
    }
  }
  return const_cast<Chunk&>(*there);  // made by this function: shared ones are never changed
}

void DiskMap::set(BlockRange range, DiskPlace place) {
  while (!range.empty()) {
    const std::uint64_t index = chunk_of(range.first);
    const BlockRange here = intersect(range, range_of(index));
    set_in_chunk(index, here, place);
    range = BlockRange::between(here.end(), range.end());
  }
}

void DiskMap::set_in_chunk(std::uint64_t index, BlockRange range, DiskPlace place) {
  if (place == DiskPlace::zero && range == range_of(index)) {
    const Chunk* there = chunk(index);
    while (is_shared(there)) {
      if (slots_[index].compare_exchange_strong(there, &all_zero_, std::memory_order_acq_rel)) {
        return;
      }
    }
  }
  Chunk& own = own_chunk(index);
  std::uint64_t at = range.first.value() % chunk_blocks;
  const std::uint64_t end = at + range.count.value();
  while (at < end) {
    const std::uint64_t from = at % word_blocks;
    const std::uint64_t to = std::min(word_blocks, from + (end - at));
    const std::uint64_t mask = mask_of(from, to);
    auto& word = own.words[at / word_blocks];
    const std::uint64_t before = word.load(std::memory_order_relaxed);
    const std::uint64_t after = (before & ~mask) | (repeat(place) & mask);
    word.store(after, std::memory_order_release);
    written_.fetch_add(count_written(after) - count_written(before), std::memory_order_relaxed);
    at += to - from;
  }
}

bool DiskMap::is_untouched(std::uint64_t index) const noexcept {
  return chunk(index) == &all_below_;
}

void DiskMap::copy_chunk(std::uint64_t index, Words& out) const noexcept {
  const Chunk* from = chunk(index);
  for (std::size_t i = 0; i < chunk_words; ++i)
    out[i] = from->words[i].load(std::memory_order_acquire);
}

void DiskMap::load_chunk(std::uint64_t index, const Words& words) {
  BlockRange rest = range_of(index);
  const auto place_in = [&](BlockIndex block) {
    const std::uint64_t in_chunk = block.value() % chunk_blocks;
    const auto place = (words[in_chunk / word_blocks] >> (2 * (in_chunk % word_blocks))) & 3;
    return place == 3 ? DiskPlace::below : static_cast<DiskPlace>(place);
  };
  while (!rest.empty()) {
    const DiskPlace place = place_in(rest.first);
    BlockIndex end = rest.first + BlockCount(1);
    while (end < rest.end() && place_in(end) == place)
      ++end;
    const BlockRange run = BlockRange::between(rest.first, end);
    if (place != DiskPlace::below || !is_untouched(index)) set(run, place);
    rest = BlockRange::between(end, rest.end());
  }
}

}  // namespace weft
