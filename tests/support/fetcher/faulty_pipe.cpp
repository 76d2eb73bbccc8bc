// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/faulty_pipe.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::fetcher::testing {
namespace {

// Small enough that a slow link delivers smoothly.
constexpr std::size_t max_chunk = 4096;

std::unexpected<Error> lost(Operation operation) {
  return fail(Errc::peer_unreachable, operation, "connection reset by peer");
}

}  // namespace

FaultyPipe::FaultyPipe(Timers& timers, LinkFaults faults)
    : timers_(timers), faults_(std::move(faults)) {}

void FaultyPipe::send(std::span<const std::byte> bytes) {
  Chunk chunk{.arrives = {}, .bytes = {bytes.begin(), bytes.end()}};
  for (const std::uint64_t at : faults_.corrupt) {
    if (at >= written_ && at - written_ < bytes.size())
      chunk.bytes[at - written_] ^= std::byte{0xff};
  }
  const std::uint64_t stall = frozen_ ? written_ : faults_.stall_after;
  const std::uint64_t limit = std::min(stall, faults_.end_after);
  if (written_ + bytes.size() > limit) {
    chunk.bytes.resize(limit > written_ ? static_cast<std::size_t>(limit - written_) : 0);
  }
  written_ += bytes.size();
  link_free_ = std::max(link_free_, timers_.now());
  if (faults_.bytes_per_second > 0) {
    link_free_ += Duration(bytes.size() * 1'000'000'000 / faults_.bytes_per_second);
  }
  chunk.arrives = link_free_ + faults_.latency;
  if (written_ >= faults_.end_after) ended_ = true;
  // Bytes that never arrive still fill the sender's buffer, as with a peer that is silent.
  buffered_ += written_ > stall ? bytes.size() : chunk.bytes.size();
  if (!chunk.bytes.empty()) chunks_.push_back(std::move(chunk));
  changed_.notify_all();
}

Awaitable<Result<void>> FaultyPipe::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    while (buffered_ >= faults_.buffer && !reset_ && !writer_closed_)
      co_await changed_.wait();
    if (writer_closed_) co_return fail(Errc::cancelled, Operation::send);
    if (reset_) co_return lost(Operation::send);
    const std::uint64_t until_reset = faults_.reset_after - std::min(written_, faults_.reset_after);
    const std::size_t size = std::min({bytes.size(), max_chunk, faults_.buffer - buffered_});
    if (until_reset <= size) {
      send(bytes.first(static_cast<std::size_t>(until_reset)));
      reset();
      co_return lost(Operation::send);
    }
    send(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  co_return Result<void>();
}

std::size_t FaultyPipe::take(std::span<std::byte> into) {
  const std::size_t room = std::min(into.size(), faults_.max_read);
  std::size_t size = 0;
  while (size < room && !chunks_.empty() && chunks_.front().arrives <= timers_.now()) {
    Chunk& chunk = chunks_.front();
    const std::size_t part = std::min(room - size, chunk.bytes.size() - chunk.taken);
    std::memcpy(into.data() + size, chunk.bytes.data() + chunk.taken, part);
    size += part;
    chunk.taken += part;
    if (chunk.taken == chunk.bytes.size()) chunks_.pop_front();
  }
  buffered_ -= size;
  if (size > 0) changed_.notify_all();
  return size;
}

Awaitable<Result<std::size_t>> FaultyPipe::read_some(std::span<std::byte> into) {
  for (;;) {
    if (reader_closed_) co_return fail(Errc::cancelled, Operation::receive);
    if (const std::size_t size = take(into); size > 0) co_return size;
    if (reset_ && chunks_.empty()) co_return lost(Operation::receive);
    if (ended_ && chunks_.empty()) co_return 0;
    if (chunks_.empty()) {
      co_await changed_.wait();
    } else {
      const TimePoint arrival = chunks_.front().arrives;
      co_await changed_.wait_until(timers_, arrival);
    }
  }
}

void FaultyPipe::end() {
  if (!silent()) ended_ = true;
  changed_.notify_all();
}

void FaultyPipe::close_reader() {
  reader_closed_ = true;
  changed_.notify_all();
}

void FaultyPipe::close_writer() {
  writer_closed_ = true;
  end();
}

void FaultyPipe::reset() {
  if (std::exchange(reset_, true)) return;
  changed_.notify_all();
  if (on_reset_) on_reset_();
}

}  // namespace weft::fetcher::testing
