// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <algorithm>
#include <chrono>

namespace weft::fetcher {

/// Paces bytes to a rate. Something is given when `least` is there, whoever asks: among users that
/// share a bucket, who needs less would take it before there ever is enough for the others. What is
/// taken may exceed what is there: the debt is paid before more is given. Pure, a value type; 0
/// bytes per second: no limit.
class TokenBucket {
 public:
  explicit TokenBucket(double least) : least_(least) {}

  void limit(double bytes_per_second, TimePoint now) {
    rate_ = bytes_per_second;
    credit_ = 0;
    at_ = now;
  }
  [[nodiscard]] bool limited() const { return rate_ > 0; }
  [[nodiscard]] double rate() const { return rate_; }
  /// Bytes that are there now; saves up to a quarter of a second, or twice `least` if that is more.
  [[nodiscard]] double credit(TimePoint now) {
    const double burst = std::max(rate_ / 4, 2 * least_);
    credit_ += to_seconds(now - at_) * rate_;
    credit_ = std::clamp(credit_, -4 * burst, burst);
    at_ = now;
    return credit_;
  }
  /// Something may be taken now.
  [[nodiscard]] bool gives(TimePoint now) { return !limited() || credit(now) >= least_; }
  /// When something may be taken, as of the last `credit`.
  [[nodiscard]] TimePoint ready_at() const {
    if (credit_ >= least_ || !limited()) return at_;
    return at_ + from_seconds((least_ - credit_) / rate_) +
           std::chrono::microseconds(1);  // rounded
  }
  void take(double bytes) { credit_ -= limited() ? bytes : 0; }

 private:
  double least_;
  double rate_ = 0;
  double credit_ = 0;
  TimePoint at_{};
};

}  // namespace weft::fetcher
