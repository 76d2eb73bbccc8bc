// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/service_meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace weft::fetcher {
namespace {

double fading(double elapsed) {
  return std::exp2(-elapsed / to_seconds(ServiceMeter::half_life));
}

/// What `elapsed` seconds are worth at their end, when the earlier ones of them have faded.
double worth(double elapsed) {
  const double rate = std::log(2.0) / to_seconds(ServiceMeter::half_life);
  return -std::expm1(-rate * elapsed) / rate;
}

void scale(ServiceMeter::Sums& sums, double factor) {
  sums.up *= factor;
  sums.lost *= factor;
  sums.events *= factor;
}

}  // namespace

ServiceMeter::ServiceMeter(Sums sums, Duration age) : sums_(sums) {
  scale(sums_, fading(std::max(0.0, to_seconds(age))));
}

void ServiceMeter::advance(TimePoint now) {
  if (state_ != State::unwatched && now > since_) {
    const double elapsed = to_seconds(now - since_);
    scale(sums_, fading(elapsed));
    (state_ == State::up ? sums_.up : sums_.lost) += worth(elapsed);
  }
  since_ = now;
}

void ServiceMeter::enter(State state, TimePoint now) {
  advance(now);
  state_ = state;
}

void ServiceMeter::up(TimePoint now) {
  enter(State::up, now);
}

void ServiceMeter::down(TimePoint now) {
  if (state_ != State::down) sums_.events += 1;
  enter(State::down, now);
}

void ServiceMeter::unwatched(TimePoint now) {
  enter(State::unwatched, now);
}

void ServiceMeter::stalled(Duration span, unsigned events, TimePoint now) {
  advance(now);
  const double lost = std::min(to_seconds(span), sums_.up);
  sums_.up -= lost;
  sums_.lost += lost;
  sums_.events += events;
}

ServiceMeter::Sums ServiceMeter::sums(TimePoint now) const {
  ServiceMeter copy = *this;
  copy.advance(now);
  return copy.sums_;
}

ServiceLoss ServiceMeter::at(TimePoint now) const {
  const Sums all = sums(now);
  const double watched = all.up + all.lost;
  if (watched <= 0) return {};
  return {
      .fraction = all.lost / watched, .per_hour = all.events / watched * 3600, .watched = watched};
}

}  // namespace weft::fetcher
