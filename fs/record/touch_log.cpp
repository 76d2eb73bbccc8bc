// SPDX-License-Identifier: Apache-2.0
#include "fs/record/touch_log.h"

#include <algorithm>

#include <sys/mman.h>

namespace weft::fs {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
using std::chrono::milliseconds;

// One word: 34 bits of first block (64 TiB), 9 of count − 1, 21 of milliseconds + 1. So 0 stands
// for an entry that was given away and is not written yet.
constexpr unsigned count_bits = 9;
constexpr unsigned time_bits = 21;
constexpr std::uint64_t most_blocks = std::uint64_t{1} << count_bits;

std::uint64_t packed(BlockRange range, milliseconds at) {
  return range.first.value() << (count_bits + time_bits) | (range.count.value() - 1) << time_bits |
         static_cast<std::uint64_t>(at.count() + 1);
}

TouchLog::Touch unpacked(std::uint64_t word) {
  const std::uint64_t time = word & ((std::uint64_t{1} << time_bits) - 1);
  const std::uint64_t count = (word >> time_bits) & (most_blocks - 1);
  return {.range = {BlockIndex(word >> (count_bits + time_bits)), BlockCount(count + 1)},
          .at = milliseconds(time - 1)};
}

}  // namespace

TouchLog::TouchLog(BlockCount blocks)
    : blocks_(blocks.value()), bitmap_words_((blocks_ + 63) / 64) {
  void* const memory = ::mmap(nullptr, (bitmap_words_ + capacity) * 8, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) memory_ = memory;
}

TouchLog::~TouchLog() {
  if (usable()) ::munmap(memory_, (bitmap_words_ + capacity) * 8);
}

std::atomic_ref<std::uint64_t> TouchLog::word(std::size_t index) const noexcept {
  return std::atomic_ref<std::uint64_t>(static_cast<std::uint64_t*>(memory_)[index]);
}

void TouchLog::start() noexcept {
  if (!usable()) return;
  recording_.store(false, std::memory_order_release);
  // Zeros again, and the memory given back.
  (void)::madvise(memory_, (bitmap_words_ + capacity) * 8, MADV_DONTNEED);
  next_.store(0, relaxed);
  first_read_.store(0, relaxed);
  dropped_.store(0, relaxed);
  taken_ = 0;
  recording_.store(true, std::memory_order_release);
}

void TouchLog::note_recorded(BlockRange range, TimePoint now) noexcept {
  range = intersect(range, {BlockIndex(0), BlockCount(blocks_)});
  while (!range.empty()) {
    const BlockCount count = std::min(range.count, BlockCount(most_blocks));
    const BlockRange part{range.first, count};
    if (mark(part)) append(part, now);
    range = {range.first + count, range.count - count};
  }
}

bool TouchLog::mark(BlockRange range) noexcept {
  bool any_new = false;
  const std::uint64_t end = range.end().value();
  for (std::uint64_t block = range.first.value(); block < end;) {
    const std::uint64_t bit = block % 64;
    const std::uint64_t count = std::min<std::uint64_t>(64 - bit, end - block);
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - count)) << bit;
    const auto bits = word(block / 64);
    // Looked at before it is written: threads that read what was read share the cache line.
    if ((bits.load(relaxed) & mask) != mask)
      any_new |= (bits.fetch_or(mask, relaxed) & mask) != mask;
    block += count;
  }
  return any_new;
}

void TouchLog::append(BlockRange range, TimePoint now) noexcept {
  std::int64_t first = 0;
  const std::int64_t time = std::max<std::int64_t>(now.time_since_epoch().count(), 1);
  if (first_read_.compare_exchange_strong(first, time, relaxed)) first = time;
  const auto since = std::chrono::duration_cast<milliseconds>(Duration(time - first));
  const milliseconds at = std::clamp(since, milliseconds(0), longest);

  const std::size_t slot = next_.load(relaxed) < capacity ? next_.fetch_add(1, relaxed) : capacity;
  if (slot >= capacity) {
    dropped_.fetch_add(1, relaxed);
    return;
  }
  word(bitmap_words_ + slot).store(packed(range, at), std::memory_order_release);
}

std::vector<TouchLog::Touch> TouchLog::take() {
  std::vector<Touch> touches;
  if (!usable()) return touches;
  const std::size_t end = std::min(next_.load(relaxed), capacity);
  for (; taken_ < end; ++taken_) {
    const std::uint64_t entry = word(bitmap_words_ + taken_).load(std::memory_order_acquire);
    if (entry == 0) break;  // about to be written
    touches.push_back(unpacked(entry));
  }
  return touches;
}

std::optional<TimePoint> TouchLog::first_read() const noexcept {
  const std::int64_t first = first_read_.load(relaxed);
  return first == 0 ? std::nullopt : std::optional(TimePoint(Duration(first)));
}

}  // namespace weft::fs
