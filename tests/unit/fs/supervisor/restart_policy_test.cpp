// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/restart_policy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;

constexpr ProcessEnd crash{true, SIGSEGV};

RestartPolicy started() {
  RestartPolicy policy;
  policy.on_ready();
  return policy;
}

TEST(RestartPolicy, an_orderly_exit_stops_the_daemon) {
  EXPECT_EQ(started().on_end({false, 0}, 1h, true), (RestartPolicy::Verdict{.exit_status = 0}));
}

TEST(RestartPolicy, failure_to_start_passes_the_status_on) {
  RestartPolicy policy;
  EXPECT_EQ(policy.on_end({false, 12}, 1ms, false), (RestartPolicy::Verdict{.exit_status = 12}));
  EXPECT_EQ(policy.on_end(crash, 1ms, true),
            (RestartPolicy::Verdict{.exit_status = 128 + SIGSEGV}));
}

TEST(RestartPolicy, first_crash_restarts_at_once_then_pauses_double_up_to_ten_seconds) {
  RestartPolicy policy = started();
  for (const Duration pause :
       {Duration(0), Duration(100ms), Duration(200ms), Duration(400ms), Duration(800ms),
        Duration(1600ms), Duration(3200ms), Duration(6400ms), Duration(10s), Duration(10s)}) {
    EXPECT_EQ(policy.on_end(crash, 1s, true),
              (RestartPolicy::Verdict{.restart = true, .pause = pause}));
  }
}

TEST(RestartPolicy, a_worker_that_lived_long_enough_clears_the_record) {
  RestartPolicy policy = started();
  for (int i = 0; i < 5; ++i)
    static_cast<void>(policy.on_end(crash, 1s, true));
  EXPECT_EQ(policy.on_end(crash, RestartPolicy::stable_after, true),
            (RestartPolicy::Verdict{.restart = true}));
  EXPECT_EQ(policy.on_end(crash, 1s, true).pause, RestartPolicy::first_pause);
}

TEST(RestartPolicy, never_gives_up_while_mounts_exist) {
  RestartPolicy policy = started();
  for (int i = 0; i < 10'000; ++i)
    ASSERT_TRUE(policy.on_end(crash, 1ms, true).restart);
}

TEST(RestartPolicy, gives_up_without_mounts_after_quick_ends_in_a_row) {
  RestartPolicy policy = started();
  for (unsigned i = 1; i < RestartPolicy::give_up_after; ++i) {
    ASSERT_TRUE(policy.on_end({false, 5}, 1s, false).restart);
  }
  EXPECT_EQ(policy.on_end({false, 5}, 1s, false), (RestartPolicy::Verdict{.exit_status = 5}));
}

TEST(ProcessEnd, is_described_in_words) {
  EXPECT_EQ((ProcessEnd{true, SIGKILL}.describe()), "was killed by SIGKILL");
  EXPECT_EQ((ProcessEnd{false, 3}.describe()), "exited with status 3");
  EXPECT_EQ((ProcessEnd{true, SIGKILL}.exit_status()), 137);
}

}  // namespace
}  // namespace weft::fs
