// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace weft::fs {

/// Lets one event through per interval, so that a storm of failing reads cannot fill the log.
/// Thread-safe.
class RateLimit {
 public:
  explicit RateLimit(Duration interval) : interval_(interval) {}

  /// nullopt: suppress this one. Otherwise how many were suppressed since the last one admitted.
  [[nodiscard]] std::optional<std::uint64_t> admit(TimePoint now) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (next_ && now < *next_) {
      ++suppressed_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(suppressed_, 0);
  }

 private:
  const Duration interval_;
  Mutex mutex_;
  std::optional<TimePoint> next_ WEFT_GUARDED_BY(mutex_);
  std::uint64_t suppressed_ WEFT_GUARDED_BY(mutex_) = 0;
};

}  // namespace weft::fs
