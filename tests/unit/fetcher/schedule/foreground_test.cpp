// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/foreground.h"

#include "fetcher/schedule/scheduler_books.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ForegroundTest : public ::testing::Test {
 protected:
  /// Reads, one every 10 ms, that take so much longer than the path explains.
  void reads(int count, Duration beyond, bool beside_prefetch) {
    for (int i = 0; i < count; ++i) {
      now += milliseconds(10);
      foreground.demanded(now);
      foreground.answered(beyond, beside_prefetch, batch, now);
    }
  }

  static constexpr Duration batch = milliseconds(5);
  TimePoint now{seconds(100)};
  Foreground foreground;
};

TEST_F(ForegroundTest, without_reads_prefetch_may_use_all) {
  EXPECT_FALSE(foreground.active(now));
  EXPECT_EQ(foreground.share(now), 1);
}

TEST_F(ForegroundTest, harm_of_more_than_a_batch_halves_the_window_again_and_again) {
  reads(32, milliseconds(2), false);
  reads(16, milliseconds(8), true);
  EXPECT_EQ(foreground.share(now), 0.5);
  reads(16, milliseconds(8), true);
  EXPECT_EQ(foreground.share(now), 0.25);
  reads(1000, milliseconds(8), true);
  EXPECT_EQ(foreground.share(now), Foreground::least_share) << "never to nothing";
}

TEST_F(ForegroundTest, less_than_a_batch_is_no_harm) {
  reads(32, milliseconds(2), false);
  reads(100, milliseconds(6), true);
  EXPECT_EQ(foreground.share(now), 1);
}

TEST_F(ForegroundTest, a_link_that_is_slow_without_prefetch_is_not_its_fault) {
  reads(32, milliseconds(50), false);
  reads(100, milliseconds(54), true);
  EXPECT_EQ(foreground.share(now), 1);
}

TEST_F(ForegroundTest, grows_back_while_it_does_no_harm) {
  reads(32, milliseconds(2), false);
  reads(32, milliseconds(20), true);
  const double harmed = foreground.share(now);
  reads(16, milliseconds(3), true);
  EXPECT_EQ(foreground.share(now), harmed * 1.25);
  reads(160, milliseconds(3), true);
  EXPECT_EQ(foreground.share(now), 1);
}

TEST_F(ForegroundTest, grows_back_when_nobody_reads_and_keeps_that) {
  reads(32, milliseconds(2), false);
  reads(64, milliseconds(20), true);
  const double harmed = foreground.share(now);
  ASSERT_EQ(harmed, 1.0 / 16);
  now += Foreground::active_for + seconds(2);
  EXPECT_NEAR(foreground.share(now), 4 * harmed, 1e-9);
  foreground.demanded(now);
  EXPECT_NEAR(foreground.share(now), 4 * harmed, 1e-9);
  now += seconds(60);
  EXPECT_EQ(foreground.share(now), 1);
}

TEST_F(ForegroundTest, what_a_boot_will_read_keeps_the_link_full_for_reads_that_it_harms) {
  reads(32, milliseconds(2), false);
  reads(100, milliseconds(20), true);
  ScheduledLink link;
  link.window.measured(12.5e6, milliseconds(100));
  link.foreground = foreground;
  const auto limit = [&](bool urgent) { return link.limit(wire::Priority::prefetch, urgent, now); };
  EXPECT_LT(limit(false), BlockCount(64));
  EXPECT_EQ(limit(true), link.window.window_beside_reads(BlockCount(32), 1));
  EXPECT_GE(bytes_of(limit(true)), ByteCount(1'250'000)) << "what the path holds";
}

}  // namespace
}  // namespace weft::fetcher
