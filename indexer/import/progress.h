// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <optional>

namespace weft {

/// Rate and remaining time of a long job (import, materialize), from how far it is at which time.
/// Pure: `now` is a parameter. One thread.
///
/// The rate is an exponentially weighted mean over about `window`, so that a job that changes its
/// pace (a hole, a slower peer) shows it soon and jitter hardly shows. Until a whole window has
/// passed it is the plain mean since the start; a job that stands still fades to zero.
class Progress {
 public:
  Progress(ByteCount total, TimePoint start, Duration window = std::chrono::seconds(5));

  /// `done` of `total` bytes at `now`. Neither goes backwards: what does is taken as no change.
  void update(ByteCount done, TimePoint now);
  /// For jobs that learn their size on the way.
  void set_total(ByteCount total) { total_ = total; }

  [[nodiscard]] ByteCount done() const { return done_; }
  [[nodiscard]] ByteCount total() const { return total_; }
  /// 0 … 1; a job of no bytes is done.
  [[nodiscard]] double fraction() const;
  [[nodiscard]] double bytes_per_second() const { return rate_; }
  [[nodiscard]] Duration elapsed() const { return last_ - start_; }
  /// At the present rate. nullopt: standing still, or more than ten years.
  [[nodiscard]] std::optional<Duration> remaining() const;

 private:
  ByteCount total_;
  ByteCount done_;
  const TimePoint start_;
  TimePoint last_;
  const Duration window_;
  double rate_ = 0;
};

}  // namespace weft
