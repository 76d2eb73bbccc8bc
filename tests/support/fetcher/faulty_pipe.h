// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/signal.h"
#include "tests/support/fetcher/faulty_network.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace weft::fetcher::testing {

/// One direction of a connection: bytes leave at the link's rate and arrive a latency later.
class FaultyPipe {
 public:
  FaultyPipe(Timers& timers, LinkFaults faults);

  /// Errc::peer_unreachable after a reset, cancelled after `close_writer`.
  Awaitable<Result<void>> write(std::span<const std::byte> bytes);
  Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into);
  /// The reader sees the end after what was written.
  void end();
  /// Pending and later calls of that side fail.
  void close_reader();
  void close_writer();
  void reset();
  void freeze() { frozen_ = true; }
  /// Set by the owner: resets the other direction as well.
  void on_reset(std::move_only_function<void()> handler) { on_reset_ = std::move(handler); }
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  struct Chunk {
    TimePoint arrives;
    std::vector<std::byte> bytes;
    std::size_t taken = 0;
  };
  void send(std::span<const std::byte> bytes);
  std::size_t take(std::span<std::byte> into);
  [[nodiscard]] bool silent() const { return frozen_ || written_ > faults_.stall_after; }

  Timers& timers_;
  const LinkFaults faults_;
  std::deque<Chunk> chunks_;
  std::size_t buffered_ = 0;
  std::uint64_t written_ = 0;
  TimePoint link_free_{};
  bool ended_ = false;
  bool frozen_ = false;
  bool reset_ = false;
  bool reader_closed_ = false;
  bool writer_closed_ = false;
  Signal changed_;
  std::move_only_function<void()> on_reset_;
};

}  // namespace weft::fetcher::testing
