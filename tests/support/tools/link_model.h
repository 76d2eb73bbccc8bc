// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

/// One direction of a simulated link, as arithmetic on time points: no clock, no sockets.
namespace weft::testing {

using LinkTime = std::chrono::steady_clock::time_point;
using LinkDuration = std::chrono::nanoseconds;

/// Serialises what enters at a fixed rate, then delays it. Shared by all connections of a
/// direction, as a wire is.
class LinkModel {
 public:
  /// `bits_per_second` 0 = as fast as it comes. Else the rate counts what Ethernet frames add to
  /// the bytes, as `tbf` does: 66 for every 1448.
  LinkModel(LinkDuration delay, std::uint64_t bits_per_second)
      : delay_(delay), bits_per_second_(bits_per_second) {}

  /// When `bytes` that enter at `now` leave at the far end.
  [[nodiscard]] LinkTime admit(LinkTime now, std::size_t bytes);
  /// Whether the queue before the wire is short enough to take more. A full queue is how a sender
  /// learns the rate: as with `tbf latency 50ms`.
  [[nodiscard]] bool accepts(LinkTime now) const { return free_at_ <= now + max_backlog; }
  /// When `accepts` turns true.
  [[nodiscard]] LinkTime accepts_at() const { return free_at_ - max_backlog; }

  /// Bytes that one connection may have under way: twice what the link holds, or plenty for a link
  /// without a rate.
  [[nodiscard]] std::size_t window() const;

  static constexpr LinkDuration max_backlog = std::chrono::milliseconds(50);

 private:
  LinkDuration delay_;
  std::uint64_t bits_per_second_;
  LinkTime free_at_{};
};

/// Bytes under way on one connection, in order, each chunk with the time it comes out.
class DelayLine {
 public:
  explicit DelayLine(std::size_t window) : window_(window) {}

  [[nodiscard]] bool has_room() const { return bytes_ < window_; }
  [[nodiscard]] bool empty() const { return chunks_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void push(std::vector<std::byte> data, LinkTime due);

  /// When the first byte comes out; call only if not empty.
  [[nodiscard]] LinkTime next_due() const { return chunks_.front().due; }
  /// The unsent part of the first chunk; call only if not empty.
  [[nodiscard]] const std::byte* data() const { return chunks_.front().data.data() + sent_; }
  [[nodiscard]] std::size_t size() const { return chunks_.front().data.size() - sent_; }
  /// `count` <= size() bytes of the first chunk were sent.
  void consume(std::size_t count);

 private:
  struct Chunk {
    std::vector<std::byte> data;
    LinkTime due;
  };
  std::size_t window_;
  std::size_t bytes_ = 0;
  std::size_t sent_ = 0;  ///< of the first chunk
  std::deque<Chunk> chunks_;
};

}  // namespace weft::testing
