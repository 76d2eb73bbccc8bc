// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

namespace weft {
namespace {

TEST(WorkerPool, runs_every_task_before_it_stops) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool({.threads = 3, .queue_limit = 4});
    for (int i = 0; i < 1000; ++i)
      ASSERT_TRUE(pool.submit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 1000);
}

TEST(WorkerPool, uses_all_its_threads_at_once) {
  std::latch together(3);
  WorkerPool pool({.threads = 3});
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(pool.submit([&] { together.arrive_and_wait(); }));
  together.wait();
}

// One thread that is kept busy until the test lets it go.
class BusyPool : public testing::Test {
 protected:
  BusyPool() : pool_({.threads = 1, .queue_limit = 2}) {
    std::latch started(1);
    EXPECT_TRUE(pool_.submit([&] {
      started.count_down();
      release_.wait();
    }));
    started.wait();
  }
  ~BusyPool() override {
    if (!released_) release();
  }
  void release() {
    released_ = true;
    release_.count_down();
  }

  std::latch release_{1};
  bool released_ = false;
  WorkerPool pool_;
};

TEST_F(BusyPool, full_queue_refuses_and_leaves_the_task) {
  int ran = 0;
  ASSERT_TRUE(pool_.submit([&] { ++ran; }));
  ASSERT_TRUE(pool_.submit([&] { ++ran; }));
  EXPECT_EQ(pool_.queued(), 2u);
  WorkerPool::Task third = [&] { ++ran; };
  EXPECT_FALSE(pool_.try_submit(third));
  ASSERT_TRUE(static_cast<bool>(third)) << "a refused task must stay with the caller";
  release();
  pool_.stop();
  EXPECT_EQ(ran, 2);
}

TEST_F(BusyPool, full_queue_makes_submit_wait) {
  ASSERT_TRUE(pool_.submit([] {}));
  ASSERT_TRUE(pool_.submit([] {}));
  std::atomic<bool> taken = false;
  std::jthread producer([&] {
    EXPECT_TRUE(pool_.submit([] {}));
    taken = true;
  });
  std::this_thread::yield();
  EXPECT_FALSE(taken);  // cannot become true while the only thread is busy
  release();
  producer.join();
  EXPECT_TRUE(taken);
}

TEST_F(BusyPool, stop_wakes_waiting_producers_and_runs_what_is_queued) {
  std::atomic<int> ran = 0;
  ASSERT_TRUE(pool_.submit([&] { ++ran; }));
  ASSERT_TRUE(pool_.submit([&] { ++ran; }));
  std::atomic<int> outcome = -1;
  std::jthread producer([&] { outcome = pool_.submit([&] { ++ran; }) ? 1 : 0; });
  std::jthread stopper([&] { pool_.stop(); });
  // The producer is either refused by stop, or was let in before it: nothing is lost.
  release();
  stopper.join();
  producer.join();
  ASSERT_NE(outcome, -1);
  EXPECT_EQ(ran, 2 + outcome);
}

TEST(WorkerPool, refuses_tasks_after_stop) {
  WorkerPool pool({.threads = 1});
  pool.stop();
  EXPECT_FALSE(pool.submit([] {}));
  WorkerPool::Task task = [] {};
  EXPECT_FALSE(pool.try_submit(task));
  pool.stop();  // again: no harm
}

TEST(WorkerPoolDeathTest, waiting_for_room_on_a_pool_thread_is_a_bug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        WorkerPool pool({.threads = 1});
        static_cast<void>(pool.submit([&] { static_cast<void>(pool.submit([] {})); }));
        pool.stop();
      },
      "must not wait for its own pool");
}

TEST(WorkerPool, threads_carry_the_pools_name) {
  std::latch both(2);
  std::array<std::string, 2> names;
  WorkerPool pool({.threads = 2, .name = "hash"});
  for (std::string& name : names)
    ASSERT_TRUE(pool.submit([&] {
      both.arrive_and_wait();
      char text[16] = {};
      pthread_getname_np(pthread_self(), text, sizeof text);
      name = text;
    }));
  pool.stop();
  EXPECT_EQ(std::set(names.begin(), names.end()), (std::set<std::string>{"hash/0", "hash/1"}));
}

}  // namespace
}  // namespace weft
