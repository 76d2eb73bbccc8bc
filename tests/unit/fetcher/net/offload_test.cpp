// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/offload.h"

#include "fetcher/net/io_thread.h"
#include "fetcher/net/task_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace weft::fetcher {
namespace {

Awaitable<void> square(Offload& offload, int value, std::atomic<int>& sum) {
  const auto result =
      co_await run_on_worker(offload, [value]() -> Result<int> { return value * value; });
  if (result) sum += *result;
}

TEST(Offload, runs_on_a_worker_and_resumes_on_the_io_thread) {
  WorkerPool pool({.threads = 2, .queue_limit = 4});
  IoThread io;
  const auto offload = make_pool_offload(pool, io.timers());
  io.run([&]() -> Awaitable<void> {
    const auto worker = co_await run_on_worker(
        *offload, []() -> Result<std::thread::id> { return std::this_thread::get_id(); });
    EXPECT_NE(*worker, std::this_thread::get_id());
    EXPECT_TRUE(io.is_current());
  });
}

TEST(Offload, more_tasks_than_the_pool_has_room_for_all_run) {
  WorkerPool pool({.threads = 2, .queue_limit = 2});
  IoThread io;
  const auto offload = make_pool_offload(pool, io.timers(), 8);
  std::atomic<int> sum = 0;
  io.run([&]() -> Awaitable<void> {
    TaskGroup group(io.executor());
    for (int i = 1; i <= 100; ++i)
      group.spawn("square", square(*offload, i, sum));
    co_await group.stop();
  });
  EXPECT_EQ(sum, 338350);
}

TEST(Offload, a_full_pool_is_waited_for_without_blocking_the_io_thread) {
  WorkerPool pool({.threads = 1, .queue_limit = 1});
  IoThread io;
  const auto offload = make_pool_offload(pool, io.timers());
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  // One task holds the worker, one fills the queue.
  ASSERT_TRUE(pool.submit([released] { released.wait(); }));
  ASSERT_TRUE(pool.submit([released] { released.wait(); }));
  std::atomic<int> sum = 0;
  io.run([&]() -> Awaitable<void> {
    TaskGroup group(io.executor());
    group.spawn("square", square(*offload, 3, sum));
    // The I/O thread goes on: it is what releases the worker.
    io.timers().call_at(io.timers().now() + std::chrono::milliseconds(5),
                        [&] { release.set_value(); });
    co_await group.stop();
  });
  EXPECT_EQ(sum, 9);
}

TEST(Offload, stopped_workers_are_an_error_not_a_hang) {
  WorkerPool pool({.threads = 1});
  IoThread io;
  const auto offload = make_pool_offload(pool, io.timers());
  pool.stop();
  io.run([&]() -> Awaitable<void> {
    const auto result = co_await run_on_worker(*offload, []() -> Result<int> { return 1; });
    EXPECT_TRUE(!result && result.error().is(Errc::cancelled));
  });
}

}  // namespace
}  // namespace weft::fetcher
