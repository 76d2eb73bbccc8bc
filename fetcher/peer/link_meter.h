// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/estimate.h"
#include "indexer/core/clock.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

/// Measuring a link from what it carries anyway. Pure: time is a parameter.
namespace weft::fetcher {

/// Rate while the link is busy, over samples of some 256 KiB or 250 ms, each weighted by its time:
/// the last second of them decides.
///
/// A burst is what arrives while requests are outstanding. The bytes of its first arrival are not
/// counted, since the wait before them is the round trip, not the link. What is left of a burst at
/// its end is a sample only if no single wait makes up most of its time: in a short answer that
/// wait is again a round trip, and would show a fast, long link as a slow one.
///
/// A stall is two seconds in which nothing comes although something was asked for. It is no part of
/// a sample: a plan reckons with the rate and with the loss of service.
class RateMeter {
 public:
  static constexpr Duration stall_after = std::chrono::seconds(2);

  /// Begins with what is known of the link, until real samples outweigh it.
  void assume(const Estimate& prior, TimePoint now);
  /// Something was asked for.
  void asked(TimePoint now);
  /// `bytes` have arrived.
  void arrived(TimePoint now, std::size_t bytes);
  /// Nothing is outstanding any more: what comes next is a new burst.
  void idle();

  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  /// Not known before the first sample, if nothing was assumed.
  [[nodiscard]] Estimate rate(TimePoint now) const { return rate_.at(now); }
  /// Its mean; 0 if it is not known.
  [[nodiscard]] double bytes_per_second() const { return rate_.mean(); }
  /// All stalls together, with the one that goes on.
  [[nodiscard]] Duration stalled(TimePoint now) const;
  /// Those that have ended.
  [[nodiscard]] unsigned stalls() const { return stalls_; }

 private:
  void take_sample();

  bool waiting_ = false;   // something is outstanding
  bool in_burst_ = false;  // and something of it has come
  TimePoint begun_{};
  TimePoint last_{};  // arrival, or the request that ended the idleness
  Duration longest_wait_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t samples_ = 0;
  FadingMean rate_{{.memory = 1, .half_life = std::chrono::hours(3)}};
  Duration stalled_{};
  unsigned stalls_ = 0;
};

/// Round-trip time: the least of the last 16 samples.
///
/// Rationale: a sample taken under load includes the queues that our own window has filled; sizing
/// the window by it would fill them further. The least recent one is the path's own delay.
class RoundTripMeter {
 public:
  void sample(Duration round_trip);
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  /// Only after a sample.
  [[nodiscard]] Duration least() const;

 private:
  std::array<Duration, 16> ring_{};
  std::uint64_t samples_ = 0;
};

/// Rate at which a peer takes what it asks for: counted is the time spent in writes and the short
/// waits for its next request, so that a sender held up by its own work sees a fast link (and
/// compresses less), never a slow one.
///
/// Rationale: a receiver keeps little more outstanding than the link holds, and the kernel takes
/// that much at once. Writes alone would show any link as fast as memory, and it would get
/// everything uncompressed.
///
/// The pace is what the peer gets in fact, the sender's own work included. A busy sender's pace is
/// far below its rate; at a slow pace compressing well is so cheap that there is no reason not to.
class SendMeter {
 public:
  /// `since_last`: from the end of the write before, or of the wait after it, to the end of this.
  void written(std::size_t bytes, Duration in_write, Duration since_last);
  /// The sample that the last `written` completed, once.
  struct Sample {
    double bytes_per_second = 0;
    Duration busy{};
  };
  [[nodiscard]] std::optional<Sample> take_sample() { return std::exchange(sample_, std::nullopt); }
  /// Nothing was left to answer until the next request came. A long wait is the peer's own pause:
  /// it begins a new sample.
  void waited(Duration for_request);
  /// 0 before the first sample.
  [[nodiscard]] double bytes_per_second() const { return rate_; }
  [[nodiscard]] double pace() const { return pace_; }

 private:
  std::uint64_t bytes_ = 0;
  Duration time_{};     // of these bytes: in writes and short waits
  Duration elapsed_{};  // all of it
  double rate_ = 0;
  double pace_ = 0;
  std::optional<Sample> sample_;
};

/// zstd level for batches that the link takes at this rate and that are sent at this pace, in bytes
/// per second (0: unknown yet); level 0 = plain.
[[nodiscard]] int compression_level(double rate, double pace) noexcept;

}  // namespace weft::fetcher
