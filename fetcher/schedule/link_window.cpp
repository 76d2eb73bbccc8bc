// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/link_window.h"

#include "indexer/core/assert.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t batch = wire::blocks_per_batch;
constexpr Duration processing = std::chrono::milliseconds(5);
constexpr Duration packing = std::chrono::milliseconds(2);  // a small request
constexpr Duration shortest_stall = std::chrono::milliseconds(1500);
constexpr double factor = 2;
constexpr std::uint64_t largest_request = 16 * batch;

}  // namespace

void LinkWindow::measured(double bytes_per_second, Duration round_trip) {
  rate_ = std::max(bytes_per_second, 1000.0);
  round_trip_ = std::max(round_trip, Duration(1));
}

void LinkWindow::sent(wire::Priority priority, BlockCount blocks, TimePoint now) {
  if (outstanding() == BlockCount(0)) busy_since_ = now;
  blocks_[static_cast<std::size_t>(priority)] += blocks.value();
}

void LinkWindow::raised(wire::Priority from, wire::Priority to, BlockCount blocks) {
  gone(from, blocks);
  blocks_[static_cast<std::size_t>(to)] += blocks.value();
}

void LinkWindow::gone(wire::Priority priority, BlockCount blocks) {
  std::uint64_t& outstanding = blocks_[static_cast<std::size_t>(priority)];
  WEFT_ASSERT(outstanding >= blocks.value(), "more gone than was sent");
  outstanding -= blocks.value();
}

void LinkWindow::progress(BlockCount blocks, std::uint64_t wire_bytes, TimePoint now) {
  busy_since_ = now;
  if (blocks == BlockCount(0)) return;
  const double n = static_cast<double>(blocks.value());
  const double seen = std::clamp(static_cast<double>(wire_bytes) / n, 64.0, 1.1 * block_size);
  const double weight = std::min(0.2, n / 160);
  wire_per_block_ += weight * (seen - wire_per_block_);
}

std::optional<TimePoint> LinkWindow::stalls_at() const {
  if (outstanding() == BlockCount(0)) return std::nullopt;
  const double expected = to_seconds(round_trip_) +
                          static_cast<double>(outstanding().value()) * wire_per_block_ / rate_;
  return busy_since_ + std::max(shortest_stall, from_seconds(std::min(4 * expected, 30.0)));
}

BlockCount LinkWindow::window() const {
  const double bytes = rate_ * to_seconds(round_trip_ + processing) * factor;
  const double blocks = std::clamp(bytes / wire_per_block_, 0.0, 1e6);
  return BlockCount(std::max(2 * batch, static_cast<std::uint64_t>(blocks)));
}

BlockCount LinkWindow::window_beside_reads(BlockCount part, double share) const {
  const double held = rate_ * to_seconds(round_trip_ + packing) / wire_per_block_;
  const double least = static_cast<double>(part.value());
  const double blocks = std::clamp((held + least) * share, least, 1e6);
  return std::min(window(), BlockCount(static_cast<std::uint64_t>(blocks)));
}

BlockCount LinkWindow::request_size() const {
  const std::uint64_t quarter = window().value() / 4 / batch * batch;
  return BlockCount(std::clamp(quarter, batch, largest_request));
}

BlockCount LinkWindow::outstanding() const {
  return BlockCount(blocks_[1] + blocks_[2] + blocks_[3]);
}

double LinkWindow::queued_bytes() const {
  const std::uint64_t behind = std::min(blocks_[2] + blocks_[3], 2 * batch);
  return demanded_bytes() + static_cast<double>(behind) * wire_per_block_;
}

double LinkWindow::demanded_bytes() const {
  return static_cast<double>(blocks_[1]) * wire_per_block_;
}

}  // namespace weft::fetcher
