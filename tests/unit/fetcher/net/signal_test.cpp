// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/signal.h"

#include "tests/support/fetcher/sim_world.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

Awaitable<void> wait_for(Signal& signal, int& woken) {
  co_await signal.wait();
  ++woken;
}

Awaitable<void> wait_until(Signal& signal, Timers& timers, TimePoint deadline,
                           std::optional<bool>& notified) {
  notified = co_await signal.wait_until(timers, deadline);
}

TEST(Signal, wakes_every_waiter_from_the_loop) {
  testing::SimWorld world;
  Signal signal;
  int woken = 0;
  world.tasks().spawn("a", wait_for(signal, woken));
  world.tasks().spawn("b", wait_for(signal, woken));
  world.run_for(1s);
  signal.notify_all();
  EXPECT_EQ(woken, 0);
  world.run_for(0s);
  EXPECT_EQ(woken, 2);
}

TEST(Signal, a_deadline_ends_the_wait_at_its_time) {
  testing::SimWorld world;
  Signal signal;
  const TimePoint begun = world.timers().now();
  std::optional<bool> notified;
  world.run([&] { return wait_until(signal, world.timers(), begun + 3s, notified); });
  EXPECT_EQ(notified, false);
  EXPECT_EQ(world.timers().now(), begun + 3s);
}

TEST(Signal, a_notified_waiter_is_not_woken_again_by_its_deadline) {
  testing::SimWorld world;
  auto signal = std::make_unique<Signal>();
  std::optional<bool> notified;
  world.tasks().spawn("a",
                      wait_until(*signal, world.timers(), world.timers().now() + 1s, notified));
  world.run_for(500ms);
  signal->notify_all();
  signal.reset();
  // The deadline comes between the notification and the waiter's turn.
  world.timers().advance_to(world.timers().now() + 1s);
  world.run_for(0s);
  EXPECT_EQ(notified, true);
}

TEST(Signal, a_passed_deadline_does_not_wait) {
  testing::SimWorld world;
  Signal signal;
  std::optional<bool> notified;
  world.run([&] { return wait_until(signal, world.timers(), world.timers().now(), notified); });
  EXPECT_EQ(notified, false);
}

}  // namespace
}  // namespace weft::fetcher
