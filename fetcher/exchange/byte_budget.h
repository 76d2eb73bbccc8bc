// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/units.h"

namespace weft::fetcher {

/// Bytes that may be spent over time: so many a minute, and what was not spent is kept up to a
/// burst (a token bucket). Over any time t no more than burst + rate × t is taken. Spending what
/// was not foreseen leaves a debt that is paid before anything more is taken. Pure.
class ByteBudget {
 public:
  /// Starts with a whole burst. `per_minute` 0: nothing may be taken.
  ByteBudget(ByteCount per_minute, ByteCount burst, TimePoint now);

  /// Takes `bytes` if they are there. More than a burst is taken when a whole burst is there, and
  /// the rest owed: it could never be there.
  [[nodiscard]] bool take(ByteCount bytes, TimePoint now);
  /// When `take` will succeed, if nothing else is taken or spent before. `TimePoint::max()`: never.
  [[nodiscard]] TimePoint ready_at(ByteCount bytes, TimePoint now) const;
  /// What was needed, whether it was there or not.
  void spend(ByteCount bytes, TimePoint now);
  /// Gives back what was taken and not needed.
  void refund(ByteCount bytes, TimePoint now);
  /// How long the budget takes to provide so many bytes. `Duration::max()`: for ever.
  [[nodiscard]] Duration time_for(ByteCount bytes) const;

 private:
  [[nodiscard]] double balance(TimePoint now) const;

  double per_second_;
  double burst_;
  double balance_;  // at `at_`; below 0: owed
  TimePoint at_;
};

}  // namespace weft::fetcher
