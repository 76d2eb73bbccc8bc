// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/readahead.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

/// Reads of one stream may overtake each other by this much (several requests in the queue).
constexpr std::uint64_t slack = 64;
/// A gap is tried while it is worth so much, and for a few reads of many.
constexpr int worth_trying = 4;
constexpr std::uint64_t trial_every = 256;
constexpr std::uint64_t trial_reads = 4;
constexpr int paid = 2;
constexpr int in_vain = -1;
constexpr int most_worth = 16;

}  // namespace

void Readahead::set_largest(BlockCount blocks) {
  limits_.largest = std::max(blocks, limits_.first);
}

Readahead::Stream* Readahead::find(BlockRange read) {
  Stream* best = nullptr;
  for (Stream& stream : streams_) {
    const std::uint64_t low =
        stream.next.value() - std::min(stream.next.value(), stream.window == 0 ? 0 : slack);
    const std::uint64_t high = stream.ahead.value() + (stream.window == 0 ? near() : slack);
    const std::uint64_t at = read.first.value();
    if (at < low || at > high) continue;
    if (best == nullptr || stream.used > best->used) best = &stream;
  }
  return best;
}

std::uint64_t Readahead::near() const {
  const bool trial = worth_ >= worth_trying || uses_ % trial_every < trial_reads;
  return trial ? limits_.near.value() : 0;
}

void Readahead::forget_oldest() {
  const auto oldest = std::ranges::min_element(streams_, {}, &Stream::used);
  if (oldest->on_trial) worth_ = std::max(worth_ + in_vain, 0);
  streams_.erase(oldest);
}

std::optional<BlockRange> Readahead::on_read(BlockRange read) {
  if (read.empty()) return std::nullopt;
  Stream* stream = find(read);
  if (stream == nullptr) {
    if (streams_.size() >= limits_.streams) forget_oldest();
    streams_.push_back({read.end(), read.end(), 0, ++uses_});
    return std::nullopt;
  }
  stream->used = ++uses_;
  if (read.end() <= stream->next) return std::nullopt;  // overtaken by a later read
  if (stream->window == 0 && read.first > stream->next) stream->on_trial = true;
  stream->next = read.end();
  stream->ahead = std::max(stream->ahead, stream->next);
  const std::uint64_t left = (stream->ahead - stream->next).value();
  if (stream->window != 0 && left > stream->window / 2) return std::nullopt;
  if (stream->window != 0 && stream->on_trial) {
    stream->on_trial = false;
    worth_ = std::min(worth_ + paid, most_worth);
  }
  stream->window = std::clamp(stream->window * 2, limits_.first.value(), limits_.largest.value());
  const BlockRange fetch =
      BlockRange::between(stream->ahead, stream->next + BlockCount(stream->window));
  stream->ahead = std::max(stream->ahead, fetch.end());
  if (fetch.empty()) return std::nullopt;
  return fetch;
}

}  // namespace weft::fetcher
