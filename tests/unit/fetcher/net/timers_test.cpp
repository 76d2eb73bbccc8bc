// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/timers.h"

#include "fetcher/net/io_thread.h"
#include "fetcher/net/signal.h"
#include "tests/support/fetcher/sim_world.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{100s};

void call_all(TimerQueue& queue, TimePoint now) {
  while (auto due = queue.pop_due(now))
    due();
}

TEST(TimerQueue, calls_in_order_of_time_and_then_of_arrival) {
  TimerQueue queue;
  std::string order;
  queue.add(start + 2s, [&] { order += 'c'; });
  queue.add(start + 1s, [&] { order += 'a'; });
  queue.add(start + 1s, [&] { order += 'b'; });
  call_all(queue, start);
  EXPECT_EQ(order, "");
  EXPECT_EQ(queue.next(), start + 1s);
  call_all(queue, start + 1s);
  EXPECT_EQ(order, "ab");
  call_all(queue, start + 3s);
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, a_cancelled_call_is_not_made_and_a_fired_id_is_ignored) {
  TimerQueue queue;
  int calls = 0;
  const TimerId first = queue.add(start, [&] { ++calls; });
  const TimerId second = queue.add(start, [&] { calls += 10; });
  queue.cancel(second);
  call_all(queue, start);
  queue.cancel(first);
  queue.cancel(second);
  EXPECT_EQ(calls, 1);
}

TEST(TimerQueue, a_callback_dropped_by_cancel_may_cancel_others) {
  TimerQueue queue;
  struct CancelsOnDeath {
    TimerQueue* queue;
    TimerId other;
    ~CancelsOnDeath() {
      if (queue != nullptr) queue->cancel(other);
    }
  };
  const TimerId other = queue.add(start, [] {});
  const TimerId owner =
      queue.add(start, [held = std::make_unique<CancelsOnDeath>(&queue, other)] {});
  queue.cancel(owner);
  EXPECT_TRUE(queue.empty());
}

TEST(Deadline, does_not_call_once_destroyed) {
  testing::SimWorld world;
  int late = 0;
  {
    const Deadline kept(world.timers(), world.timers().now() + 1s, [&] { ++late; });
    world.run_for(500ms);
  }
  world.run_for(5s);
  EXPECT_EQ(late, 0);
  const Deadline passed(world.timers(), world.timers().now() + 1s, [&] { ++late; });
  world.run_for(2s);
  EXPECT_EQ(late, 1);
}

TEST(AsioTimers, an_earlier_call_added_later_is_made_first) {
  IoThread io;
  std::string order;
  io.run([&]() -> Awaitable<void> {
    const TimePoint now = io.timers().now();
    io.timers().call_at(now + 20ms, [&] { order += 'b'; });
    io.timers().call_at(now + 1ms, [&] { order += 'a'; });
    const TimerId dropped = io.timers().call_at(now + 2ms, [&] { order += 'x'; });
    io.timers().cancel(dropped);
    co_await sleep_until(io.timers(), now + 30ms);
    order += 'c';
  });
  EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace weft::fetcher
