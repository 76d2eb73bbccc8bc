// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace weft::fetcher {

/// Lets one event in `interval` through and counts the others: a remote peer must not be able to
/// fill the log. Pure.
class LogLimiter {
 public:
  explicit LogLimiter(Duration interval = std::chrono::seconds(10)) : interval_(interval) {}

  /// Events held back since the last one that was let through; nullopt: hold this one back.
  [[nodiscard]] std::optional<std::uint64_t> admit(TimePoint now) {
    if (next_ && now < *next_) {
      ++held_back_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(held_back_, 0);
  }

 private:
  const Duration interval_;
  std::optional<TimePoint> next_;
  std::uint64_t held_back_ = 0;
};

}  // namespace weft::fetcher
