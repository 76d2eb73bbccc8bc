// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/housekeeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(Housekeeper, does_its_chore_again_and_again) {
  std::latch thrice(3);
  std::atomic<int> left = 3;
  Housekeeper house(
      [&] {
        if (left-- > 0) thrice.count_down();
      },
      1ms);
  thrice.wait();
  house.stop();
  EXPECT_LE(left, 0);
}

TEST(Housekeeper, stop_waits_for_the_chore_but_not_for_the_period) {
  std::atomic<bool> done = false;
  std::latch started(1);
  std::latch go_on(1);
  std::atomic<bool> first = true;
  Housekeeper house(
      [&] {
        if (!first.exchange(false)) return;
        started.count_down();
        go_on.wait();
        done = true;
      },
      1ms);
  started.wait();
  std::thread release([&] { go_on.count_down(); });
  house.stop();
  EXPECT_TRUE(done);
  release.join();

  Housekeeper idle([] {}, 1h);
  idle.stop();  // the test's time limit judges
}

}  // namespace
}  // namespace weft::tools
