// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <optional>

namespace weft::fetcher {

/// Loss of service: how often a peer that is wanted was not there, or sent nothing although it was
/// asked, and for which part of the time.
struct ServiceLoss {
  double fraction = 0;  ///< of the time watched: lost or stalled, 0 … 1
  double per_hour = 0;  ///< connections lost and stalls
  double watched = 0;   ///< seconds that these figures are worth; 0: nothing is known

  friend bool operator==(const ServiceLoss&, const ServiceLoss&) = default;
};

/// Measures it. Pure. Earlier time fades: what was a day ago counts half.
///
/// Rationale: an hour of trouble yesterday should make a plan careful today and not next week.
class ServiceMeter {
 public:
  static constexpr Duration half_life = std::chrono::hours(24);

  /// Sums, as they are kept across restarts: seconds and events, faded.
  struct Sums {
    double up = 0;
    double lost = 0;
    double events = 0;
    friend bool operator==(const Sums&, const Sums&) = default;
  };

  ServiceMeter() = default;
  /// Goes on from sums of `age` ago; the time between was not watched.
  ServiceMeter(Sums sums, Duration age);

  void up(TimePoint now);
  /// Counts as lost until `up` or `unwatched`.
  void down(TimePoint now);
  /// The peer is not wanted any more, or ends with this node.
  void unwatched(TimePoint now);
  /// For so long of the time up until `now` nothing came although it was asked, `events` times in
  /// all.
  void stalled(Duration span, unsigned events, TimePoint now);

  [[nodiscard]] Sums sums(TimePoint now) const;
  [[nodiscard]] ServiceLoss at(TimePoint now) const;

 private:
  enum class State { unwatched, up, down };
  void advance(TimePoint now);
  void enter(State state, TimePoint now);

  State state_ = State::unwatched;
  TimePoint since_{};
  Sums sums_;
};

}  // namespace weft::fetcher
