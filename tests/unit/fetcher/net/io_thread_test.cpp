// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/io_thread.h"

#include "fetcher/net/signal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace weft::fetcher {
namespace {

TEST(IoThread, runs_what_other_threads_post_on_itself) {
  IoThread io("io-test");
  std::atomic<int> runs = 0;
  std::atomic<int> elsewhere = 0;
  std::vector<std::jthread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        io.post([&] {
          ++runs;
          if (!io.is_current()) ++elsewhere;
        });
      }
    });
  }
  posters.clear();
  io.stop();
  EXPECT_EQ(runs, 400);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_FALSE(io.is_current());
}

TEST(IoThread, run_waits_for_the_coroutine_and_passes_its_exception_on) {
  IoThread io;
  bool ended = false;
  io.run([&]() -> Awaitable<void> {
    co_await sleep_until(io.timers(), io.timers().now() + std::chrono::milliseconds(5));
    ended = true;
  });
  EXPECT_TRUE(ended);
  EXPECT_THROW(io.run([]() -> Awaitable<void> {
    throw std::runtime_error("out");
    co_return;
  }),
               std::runtime_error);
}

}  // namespace
}  // namespace weft::fetcher
