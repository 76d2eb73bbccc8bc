// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/task_group.h"

#include "tests/support/fetcher/sim_world.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

Awaitable<void> count(int& runs) {
  ++runs;
  co_return;
}

Awaitable<void> nap(Timers& timers, Duration duration, bool& ended) {
  co_await sleep_until(timers, timers.now() + duration);
  ended = true;
}

Awaitable<void> throw_bug() {
  throw std::logic_error("a bug");
  co_return;
}

TEST(TaskGroup, a_task_starts_after_its_spawner_went_on) {
  testing::SimWorld world;
  int runs = 0;
  EXPECT_TRUE(world.tasks().spawn("count", count(runs)));
  EXPECT_EQ(runs, 0);
  world.run_for(0s);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(world.tasks().running(), 0u);
}

TEST(TaskGroup, stop_waits_for_running_tasks_and_refuses_new_ones) {
  testing::SimWorld world;
  TaskGroup group(world.executor());
  bool ended = false;
  int runs = 0;
  group.spawn("nap", nap(world.timers(), 5s, ended));
  world.run([&] { return group.stop(); });
  EXPECT_TRUE(ended);
  EXPECT_FALSE(group.spawn("count", count(runs)));
  world.run_for(1s);
  EXPECT_EQ(runs, 0);
}

TEST(TaskGroup, an_exception_ends_only_its_own_task) {
  testing::SimWorld world;
  TaskGroup group(world.executor());
  bool ended = false;
  group.spawn("nap", nap(world.timers(), 1s, ended));
  group.spawn("bug", throw_bug());
  world.run([&] { return group.stop(); });
  EXPECT_TRUE(ended);
  EXPECT_EQ(group.failed(), 1u);
}

}  // namespace
}  // namespace weft::fetcher
