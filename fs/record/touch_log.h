// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weft::fs {

/// Notes which blocks of a mount are read for the first time, and when, without slowing the reads:
/// what has been read before costs a test of bits, what has not an atomic or two, and nothing while
/// it does not record.
///
/// A bit for each block and a list of `capacity` entries of 8 bytes, both in memory that the kernel
/// provides page by page as it is used: of an image of any size, a boot takes less than 1 MiB. A
/// full list drops what comes and counts it. Nothing is locked: while several threads note the
/// same blocks, or a recording starts over, a block may be noted twice or with the time of another
/// recording. Whoever uses the list takes it as a hint.
///
/// Threads: `note` and `recording` any; the rest one at a time.
class TouchLog {
 public:
  static constexpr std::size_t capacity = 65536;
  /// Times are noted up to here: 34 minutes.
  static constexpr std::chrono::milliseconds longest{(1 << 21) - 2};

  explicit TouchLog(BlockCount blocks);
  ~TouchLog();
  TouchLog(const TouchLog&) = delete;
  TouchLog& operator=(const TouchLog&) = delete;

  /// False: there is no memory, and nothing is ever recorded.
  [[nodiscard]] bool usable() const noexcept { return memory_ != nullptr; }
  /// Forgets what was recorded and begins again, with the next read as its first.
  void start() noexcept;
  /// What was noted can still be taken.
  void stop() noexcept { recording_.store(false, std::memory_order_release); }
  [[nodiscard]] bool recording() const noexcept {
    return recording_.load(std::memory_order_relaxed);
  }

  /// `range` is read at `now`, and inside the image.
  void note(BlockRange range, TimePoint now) noexcept {
    if (recording()) note_recorded(range, now);
  }

  struct Touch {
    BlockRange range;
    std::chrono::milliseconds at{};  ///< since the recording's first read
    friend bool operator==(const Touch&, const Touch&) = default;
  };
  /// What was noted since the last call, in the order it came.
  [[nodiscard]] std::vector<Touch> take();
  /// Nullopt: nothing was read yet.
  [[nodiscard]] std::optional<TimePoint> first_read() const noexcept;
  /// Reads that the full list did not take.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  void note_recorded(BlockRange range, TimePoint now) noexcept;
  /// True: one of them is new.
  [[nodiscard]] bool mark(BlockRange range) noexcept;
  void append(BlockRange range, TimePoint now) noexcept;
  [[nodiscard]] std::atomic_ref<std::uint64_t> word(std::size_t index) const noexcept;

  const std::uint64_t blocks_;
  const std::size_t bitmap_words_;
  void* memory_ = nullptr;  // the bits, then the list

  std::atomic<bool> recording_{false};
  std::atomic<std::size_t> next_{0};
  std::atomic<std::int64_t> first_read_{0};  // 0: none yet
  std::atomic<std::uint64_t> dropped_{0};
  std::size_t taken_ = 0;
};

}  // namespace weft::fs
