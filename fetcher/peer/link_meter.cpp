// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/link_meter.h"

#include <algorithm>
#include <chrono>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t sample_bytes = 256 * 1024;
constexpr Duration sample_time = 250ms;
constexpr std::uint64_t least_bytes = 16 * 1024;  // of a sample that counts
constexpr double newest_share = 0.3;              // in the EWMA

constexpr std::uint64_t send_sample_bytes = 1024 * 1024;
constexpr Duration longest_wait = 50ms;  // that is still the link's doing

double smoothed(double old, double sample) {
  return old == 0 ? sample : old + newest_share * (sample - old);
}

}  // namespace

void RateMeter::assume(const Estimate& prior, TimePoint now) {
  rate_.assume(prior, now);
}

void RateMeter::asked(TimePoint now) {
  if (waiting_) return;
  waiting_ = true;
  last_ = now;
}

void RateMeter::arrived(TimePoint now, std::size_t bytes) {
  if (!waiting_) asked(now);
  const Duration wait = now - std::exchange(last_, now);
  if (wait > stall_after) {
    stalled_ += wait;
    ++stalls_;
    in_burst_ = false;
  }
  if (!in_burst_) {
    in_burst_ = true;
    begun_ = now;
    bytes_ = 0;
    longest_wait_ = {};
    return;
  }
  longest_wait_ = std::max(longest_wait_, wait);
  bytes_ += bytes;
  const bool enough = bytes_ >= sample_bytes || now - begun_ >= sample_time;
  if (enough && bytes_ >= least_bytes) take_sample();
}

void RateMeter::idle() {
  const bool steady = 2 * longest_wait_ <= last_ - begun_;
  if (in_burst_ && bytes_ >= least_bytes && steady) take_sample();
  in_burst_ = false;
  waiting_ = false;
}

Duration RateMeter::stalled(TimePoint now) const {
  const bool stalls_now = waiting_ && now - last_ > stall_after;
  return stalled_ + (stalls_now ? now - last_ : Duration(0));
}

void RateMeter::take_sample() {
  // Two arrivals in one turn of the loop say nothing about the link.
  if (last_ - begun_ < 10us) return;
  const double span = to_seconds(last_ - begun_);
  rate_.add(static_cast<double>(bytes_) / span, span, last_);
  ++samples_;
  begun_ = last_;
  bytes_ = 0;
  longest_wait_ = {};
}

void RoundTripMeter::sample(Duration round_trip) {
  ring_[samples_++ % ring_.size()] = std::max(round_trip, Duration(1));
}

Duration RoundTripMeter::least() const {
  const auto count = std::min<std::uint64_t>(samples_, ring_.size());
  return *std::min_element(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(count));
}

void SendMeter::written(std::size_t bytes, Duration in_write, Duration since_last) {
  bytes_ += bytes;
  time_ += in_write;
  elapsed_ += since_last;
  if (bytes_ < send_sample_bytes && (time_ < sample_time || bytes_ < least_bytes)) return;
  const auto bytes_sent = static_cast<double>(bytes_);
  sample_ = {.bytes_per_second = bytes_sent / std::max(to_seconds(time_), 1e-6), .busy = time_};
  rate_ = smoothed(rate_, sample_->bytes_per_second);
  pace_ = smoothed(pace_, bytes_sent / std::max(to_seconds(std::max(elapsed_, time_)), 1e-6));
  bytes_ = 0;
  time_ = {};
  elapsed_ = {};
}

void SendMeter::waited(Duration for_request) {
  if (for_request <= longest_wait) {
    time_ += for_request;
    elapsed_ += for_request;
    return;
  }
  bytes_ = 0;
  time_ = {};
  elapsed_ = {};
}

int compression_level(double rate, double pace) noexcept {
  if (rate == 0) return 3;     // unknown yet
  if (rate < 2.5e6) return 9;  // 20 Mbit/s
  if (rate < 15e6) return 5;   // 120 Mbit/s
  if (rate < 125e6) return 3;  // 1 Gbit/s
  if (pace != 0 && pace < 15e6) return 3;
  if (rate < 400e6) return 1;
  return 0;
}

}  // namespace weft::fetcher
