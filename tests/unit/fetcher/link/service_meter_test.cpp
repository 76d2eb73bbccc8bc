// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/service_meter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{100s};

TEST(ServiceMeter, nothing_is_known_of_a_peer_that_was_never_up) {
  EXPECT_EQ(ServiceMeter().at(start).watched, 0);
}

TEST(ServiceMeter, part_of_the_time_that_was_lost) {
  ServiceMeter meter;
  meter.up(start);
  meter.down(start + 54min);
  meter.up(start + 60min);
  const auto loss = meter.at(start + 60min);
  EXPECT_NEAR(loss.fraction, 0.1, 0.005);
  EXPECT_NEAR(loss.per_hour, 1, 0.05);
  EXPECT_NEAR(loss.watched, 3600, 100);
}

TEST(ServiceMeter, outage_that_goes_on_counts_already) {
  ServiceMeter meter;
  meter.up(start);
  meter.down(start + 1min);
  EXPECT_NEAR(meter.at(start + 2min).fraction, 0.5, 0.01);
  meter.down(start + 3min);
  EXPECT_NEAR(meter.sums(start + 3min).events, 1, 0.01) << "it is still the same outage";
}

TEST(ServiceMeter, stalls_are_lost_time_of_a_peer_that_is_up) {
  ServiceMeter meter;
  meter.up(start);
  meter.stalled(15s, 3, start + 1min);
  const auto loss = meter.at(start + 1min);
  EXPECT_NEAR(loss.fraction, 0.25, 0.01);
  EXPECT_NEAR(meter.sums(start + 1min).events, 3, 0.01);
}

TEST(ServiceMeter, time_that_nobody_wanted_the_peer_is_not_counted) {
  ServiceMeter meter;
  meter.up(start);
  meter.down(start + 1min);
  meter.unwatched(start + 2min);
  EXPECT_NEAR(meter.at(start + 30min).fraction, 0.5, 0.01);
}

TEST(ServiceMeter, trouble_of_yesterday_counts_half) {
  ServiceMeter meter;
  meter.up(start);
  meter.down(start + 1h);
  meter.up(start + 2h);
  const double then = meter.at(start + 2h).fraction;
  EXPECT_NEAR(then, 0.5, 0.02);
  EXPECT_NEAR(meter.sums(start + 26h).lost, 1800, 50);
  EXPECT_LT(meter.at(start + 26h).fraction, then / 10);
}

TEST(ServiceMeter, sums_are_taken_up_again_after_a_restart) {
  ServiceMeter before;
  before.up(start);
  before.down(start + 1h);
  const auto sums = before.sums(start + 2h);
  const ServiceMeter at_once(sums, 0s);
  EXPECT_NEAR(at_once.at(start).fraction, before.at(start + 2h).fraction, 1e-9);
  const ServiceMeter after_a_day(sums, 24h);
  EXPECT_NEAR(after_a_day.at(start).fraction, 0.5, 0.02);
  EXPECT_NEAR(after_a_day.at(start).watched, at_once.at(start).watched / 2, 1);
}

}  // namespace
}  // namespace weft::fetcher
