// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/hand_over.h"

#include <gtest/gtest.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using enum HandOver::Act;
using State = HandOver::State;

constexpr TimePoint t0{};

Error died() {
  return {make_error_code(Errc::helper_failed), Operation::serve, "died"};
}

class HandOverTest : public ::testing::Test {
 protected:
  void to_checking() { ASSERT_EQ(hand_over.upgrade_called(t0), start_candidate); }
  void to_standing_by() {
    to_checking();
    ASSERT_EQ(hand_over.stands_by(t0), announce);
  }
  void to_taking_over() {
    to_standing_by();
    ASSERT_EQ(hand_over.handed_over(t0), let_serve);
  }
  void expect_idle() {
    EXPECT_EQ(hand_over.state(), State::idle);
    EXPECT_FALSE(hand_over.deadline());
    EXPECT_EQ(hand_over.at(t0 + 24h), nothing);
    EXPECT_EQ(hand_over.upgrade_called(t0), start_candidate) << "the next one can begin";
  }

  HandOver hand_over{{.check = 10s, .suspend = 20s, .take_over = 30s, .kill = 5s}};
};

TEST_F(HandOverTest, a_candidate_that_serves_is_promoted) {
  to_taking_over();
  EXPECT_EQ(hand_over.candidate_ready(), promote);
  expect_idle();
}

TEST_F(HandOverTest, one_upgrade_at_a_time) {
  to_checking();
  EXPECT_EQ(hand_over.upgrade_called(t0), call_busy);
  EXPECT_EQ(hand_over.handed_over(t0), call_busy) << "nobody stands by";
}

TEST_F(HandOverTest, a_candidate_that_ends_while_it_is_checked_changes_nothing) {
  to_checking();
  EXPECT_EQ(hand_over.candidate_ended(died()), refuse);
  EXPECT_EQ(hand_over.why().detail, "died");
  expect_idle();
}

TEST_F(HandOverTest, a_candidate_that_refuses_is_gone_before_the_caller_hears_why) {
  to_checking();
  EXPECT_EQ(hand_over.refused({make_error_code(Errc::newer_state), Operation::open, "state"}, t0),
            kill_candidate);
  EXPECT_EQ(hand_over.candidate_ended(died()), refuse);
  EXPECT_TRUE(hand_over.why().is(Errc::newer_state)) << "not that it was killed";
  expect_idle();
}

TEST_F(HandOverTest, a_candidate_that_hangs_is_killed_at_the_deadline) {
  to_checking();
  EXPECT_EQ(hand_over.at(t0 + 9s), nothing);
  EXPECT_EQ(hand_over.at(t0 + 10s), kill_candidate);
  EXPECT_EQ(hand_over.stands_by(t0 + 10s), nothing) << "too late";
  EXPECT_EQ(hand_over.candidate_ended(died()), refuse);
  EXPECT_TRUE(hand_over.why().is(Errc::deadline_passed));
  expect_idle();
}

TEST_F(HandOverTest, a_killed_candidate_that_stays_in_the_kernel_is_given_up) {
  to_checking();
  EXPECT_EQ(hand_over.at(t0 + 10s), kill_candidate);
  EXPECT_EQ(hand_over.at(t0 + 14s), nothing);
  EXPECT_EQ(hand_over.at(t0 + 15s), refuse);
  expect_idle();
}

TEST_F(HandOverTest, an_old_worker_that_hands_over_to_nobody_gets_everything_back) {
  to_standing_by();
  EXPECT_EQ(hand_over.candidate_ended(died()), nothing) << "nobody has asked yet";
  EXPECT_EQ(hand_over.handed_over(t0), give_back);
  expect_idle();
}

TEST_F(HandOverTest, an_old_worker_that_asks_while_the_candidate_is_killed_waits_for_its_end) {
  to_standing_by();
  EXPECT_EQ(hand_over.stop(t0), kill_candidate);
  EXPECT_EQ(hand_over.handed_over(t0), nothing);
  EXPECT_EQ(hand_over.candidate_ended(died()), give_back);
  expect_idle();
}

TEST_F(HandOverTest, a_candidate_that_ends_before_it_serves_gives_back) {
  to_taking_over();
  EXPECT_EQ(hand_over.candidate_ended(died()), give_back);
  expect_idle();
}

TEST_F(HandOverTest, a_candidate_that_does_not_serve_in_time_gives_back_when_it_is_gone) {
  to_taking_over();
  EXPECT_EQ(hand_over.at(t0 + 30s), kill_candidate);
  EXPECT_EQ(hand_over.candidate_ready(), nothing) << "too late: the old one may go on any moment";
  EXPECT_EQ(hand_over.candidate_ended(died()), give_back);
  EXPECT_TRUE(hand_over.why().is(Errc::deadline_passed));
}

TEST_F(HandOverTest, an_old_worker_that_dies_during_the_check_is_replaced_by_its_own_kind) {
  to_checking();
  EXPECT_EQ(hand_over.old_ended(t0), kill_candidate);
  EXPECT_EQ(hand_over.candidate_ended(died()), replace_both);
  expect_idle();
}

TEST_F(HandOverTest, a_checked_candidate_takes_over_from_an_old_worker_that_dies) {
  to_standing_by();
  EXPECT_EQ(hand_over.old_ended(t0), let_serve);
  EXPECT_EQ(hand_over.candidate_ready(), promote);
  expect_idle();
}

TEST_F(HandOverTest, an_old_worker_that_does_not_suspend_is_killed) {
  to_standing_by();
  EXPECT_EQ(hand_over.at(t0 + 20s), kill_old);
  EXPECT_EQ(hand_over.at(t0 + 40s), nothing);
  EXPECT_EQ(hand_over.old_ended(t0 + 21s), let_serve);
  EXPECT_EQ(hand_over.candidate_ready(), promote);
}

TEST_F(HandOverTest, when_both_die_a_successor_of_the_old_one_starts) {
  to_taking_over();
  EXPECT_EQ(hand_over.old_ended(t0), nothing) << "the candidate goes on";
  EXPECT_EQ(hand_over.candidate_ended(died()), replace_both);
  expect_idle();
}

TEST_F(HandOverTest, the_end_of_a_worker_without_an_upgrade_is_not_its_matter) {
  EXPECT_EQ(hand_over.old_ended(t0), nothing);
  EXPECT_EQ(hand_over.candidate_ended(died()), nothing);
  EXPECT_EQ(hand_over.stop(t0), nothing);
  expect_idle();
}

TEST_F(HandOverTest, stopping_ends_an_upgrade_at_every_step) {
  to_checking();
  EXPECT_EQ(hand_over.stop(t0), kill_candidate);
  EXPECT_EQ(hand_over.candidate_ended(died()), refuse);
  to_taking_over();
  EXPECT_EQ(hand_over.stop(t0), kill_candidate);
  EXPECT_EQ(hand_over.candidate_ended(died()), give_back);
}

}  // namespace
}  // namespace weft::fs
