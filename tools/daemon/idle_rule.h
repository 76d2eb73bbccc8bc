// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <chrono>

namespace weft::tools {

/// When an embedded node ends by itself: after it has been idle for `grace`, which is longer as
/// long as it has never been busy, so that the command that started it can make its first request.
/// Pure.
class IdleRule {
 public:
  explicit IdleRule(TimePoint start, Duration grace = std::chrono::seconds(1),
                    Duration first_grace = std::chrono::seconds(15))
      : grace_(grace), first_grace_(first_grace), idle_since_(start) {}

  /// True: time to end.
  [[nodiscard]] bool update(bool busy, TimePoint now) {
    if (busy) {
      was_busy_ = true;
      idle_since_ = now;
    }
    return now - idle_since_ >= (was_busy_ ? grace_ : first_grace_);
  }

 private:
  const Duration grace_;
  const Duration first_grace_;
  TimePoint idle_since_;
  bool was_busy_ = false;
};

}  // namespace weft::tools
