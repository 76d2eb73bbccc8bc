// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/link_monitor.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{100s};

NodeId node(int n) {
  NodeId id;
  id.bytes[0] = static_cast<std::uint8_t>(n);
  return id;
}

LinkEstimate measured(double rate) {
  LinkEstimate estimate;
  estimate.rate = {.mean = rate, .deviation = rate / 10, .samples = 8};
  estimate.bytes_per_second = rate;
  estimate.round_trip = 30ms;
  estimate.round_trip_measured = true;
  return estimate;
}

TEST(LinkMonitor, first_session_with_a_node_begins_with_the_default) {
  const LinkMonitor monitor;
  const LinkEstimate prior = monitor.prior(node(1), start);
  EXPECT_FALSE(prior.rate.known());
  EXPECT_EQ(prior.bytes_per_second, LinkEstimate().bytes_per_second);
  EXPECT_FALSE(monitor.view(node(1), start));
}

TEST(LinkMonitor, session_is_read_while_it_lives_and_its_last_word_kept) {
  LinkMonitor monitor;
  double rate = 1e6;
  monitor.up(node(1), "a:1", [&] { return measured(rate); }, start);
  EXPECT_EQ(monitor.view(node(1), start)->rate_in.mean, 1e6);
  rate = 2e6;
  EXPECT_EQ(monitor.view(node(1), start)->rate_in.mean, 2e6);
  monitor.down(node(1), true, start + 1min);
  rate = 3e6;
  EXPECT_EQ(monitor.view(node(1), start + 1min)->rate_in.mean, 2e6);
  EXPECT_EQ(monitor.view_at("a:1", start + 1min)->round_trip, Duration(30ms));
  EXPECT_FALSE(monitor.view_at("b:1", start + 1min));
}

TEST(LinkMonitor, next_session_begins_with_what_the_last_one_measured_less_sure) {
  LinkMonitor monitor;
  monitor.up(node(1), "a:1", [] { return measured(2e6); }, start);
  monitor.down(node(1), true, start);
  const LinkEstimate prior = monitor.prior(node(1), start + LinkMonitor::half_life);
  EXPECT_EQ(prior.bytes_per_second, 2e6);
  EXPECT_NEAR(prior.rate.samples, 4, 1e-9);
  EXPECT_EQ(prior.round_trip, Duration(30ms));
  EXPECT_EQ(prior.samples, 0u);
}

TEST(LinkMonitor, records_bring_everything_to_another_process) {
  LinkMonitor before;
  before.up(node(1), "a:1", [] { return measured(2e6); }, start);
  before.sent(node(1), 5e6, 2s, start);
  before.down(node(1), true, start + 30min);
  const auto records = before.records(start + 1h);
  ASSERT_EQ(records.size(), 1u);
  LinkMonitor after;
  after.load(records[0], 0s, start);
  const auto view = after.view(node(1), start);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->rate_in, before.view(node(1), start + 1h)->rate_in);
  EXPECT_NEAR(view->rate_out.mean, 5e6, 1);
  EXPECT_NEAR(view->loss.fraction, 0.5, 0.02);
  EXPECT_EQ(after.records(start)[0].address, "a:1");
  LinkMonitor later;
  later.load(records[0], LinkMonitor::half_life, start);
  EXPECT_NEAR(later.view(node(1), start)->rate_in.samples, view->rate_in.samples / 2, 1e-9);
}

TEST(LinkMonitor, stalls_of_a_session_are_loss_of_service_once) {
  LinkMonitor monitor;
  LinkEstimate estimate = measured(1e6);
  monitor.up(node(1), "a:1", [&] { return estimate; }, start);
  estimate.stalled = 15s;
  estimate.stalls = 1;
  EXPECT_NEAR(monitor.view(node(1), start + 1min)->loss.fraction, 0.25, 0.01);
  monitor.down(node(1), false, start + 1min);
  EXPECT_NEAR(monitor.view(node(1), start + 2min)->loss.fraction, 0.25, 0.01);
}

TEST(LinkMonitor, end_of_a_session_is_told_so_that_it_can_be_written_down) {
  LinkMonitor monitor;
  int told = 0;
  monitor.on_lost([&] { ++told; });
  monitor.up(node(1), "a:1", [] { return measured(1e6); }, start);
  EXPECT_EQ(told, 0);
  monitor.down(node(1), true, start);
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace weft::fetcher
