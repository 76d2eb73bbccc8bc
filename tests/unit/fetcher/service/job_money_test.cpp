// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/job_money.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using plan::Goal;

constexpr std::uint64_t gib = 1 << 30;
constexpr TimePoint t0{std::chrono::hours(1)};

/// At a price of 1, so that bytes are money.
void spend(MoneyLedger& ledger, double money) {
  ledger.came(1, BlockCount(0), static_cast<std::uint64_t>(money * gib));
}

TEST(JobMoney, without_a_budget_nothing_is_drawn) {
  MoneyLedger ledger;
  JobMoney money(0.25, ledger);
  money.set_goal(Goal::cheapest(0.1), ledger);
  spend(ledger, 1);
  EXPECT_DOUBLE_EQ(money.spent(ledger), 1.25);
  EXPECT_EQ(money.draw_due(ledger, t0), std::nullopt);
  EXPECT_EQ(money.cleared(ledger), std::nullopt);
}

TEST(JobMoney, what_was_spent_before_counts) {
  MoneyLedger ledger;
  spend(ledger, 7);  // for readers, before the job
  JobMoney money(0.25, ledger);
  money.set_goal(Goal::within(1), ledger);
  EXPECT_DOUBLE_EQ(money.spent(ledger), 0.25);
  EXPECT_DOUBLE_EQ(money.goal_from_now(ledger).budget, 0.75);
  spend(ledger, 0.5);
  EXPECT_DOUBLE_EQ(money.goal_from_now(ledger).budget, 0.25);
}

TEST(JobMoney, nothing_may_be_spent_before_it_is_drawn) {
  MoneyLedger ledger;
  JobMoney money(0, ledger);
  money.set_goal(Goal::within(64), ledger);
  EXPECT_DOUBLE_EQ(*money.cleared(ledger), 0);
  EXPECT_DOUBLE_EQ(*money.draw_due(ledger, t0), 1);
  money.drawn(1, t0);
  EXPECT_DOUBLE_EQ(*money.cleared(ledger), 1);
  EXPECT_EQ(money.draw_due(ledger, t0), std::nullopt);
  spend(ledger, 0.75);
  EXPECT_DOUBLE_EQ(*money.cleared(ledger), 0.25);
  EXPECT_DOUBLE_EQ(*money.draw_due(ledger, t0 + 5s), 2);
}

TEST(JobMoney, what_a_dead_process_had_drawn_is_spent) {
  MoneyLedger ledger;
  JobMoney money(2, ledger);  // of the record
  money.set_goal(Goal::within(2.5), ledger);
  money.drawn(*money.draw_due(ledger, t0), t0);
  EXPECT_LE(*money.cleared(ledger), 0.5);
}

TEST(JobMoney, parts_grow_until_they_last_and_never_exceed_the_budget) {
  MoneyLedger ledger;
  JobMoney money(0, ledger);
  money.set_goal(Goal::within(64), ledger);
  TimePoint now = t0;
  int draws = 0;
  while (money.spent(ledger) < 63.9 && draws < 100) {
    if (const auto due = money.draw_due(ledger, now)) {
      ASSERT_LE(*due, 64);
      money.drawn(*due, now);
      ++draws;
    }
    ASSERT_GT(*money.cleared(ledger), 0);
    spend(ledger, std::min(0.1, *money.cleared(ledger)));
    now += 10ms;
  }
  EXPECT_LT(draws, 16) << "of 6 s";
}

TEST(JobMoney, what_cannot_be_written_down_is_tried_again_in_a_second) {
  MoneyLedger ledger;
  JobMoney money(0, ledger);
  money.set_goal(Goal::within(1), ledger);
  money.not_drawn("the disk is full", t0);
  EXPECT_EQ(money.draw_due(ledger, t0 + 900ms), std::nullopt);
  EXPECT_EQ(money.trouble(), "the disk is full");
  EXPECT_DOUBLE_EQ(*money.cleared(ledger), 0);
  const auto due = money.draw_due(ledger, t0 + 1s);
  ASSERT_TRUE(due);
  money.drawn(*due, t0 + 1s);
  EXPECT_EQ(money.trouble(), "");
}

TEST(JobMoney, a_larger_budget_pays_for_what_comes_then) {
  MoneyLedger ledger;
  JobMoney money(0, ledger);
  money.set_goal(Goal::within(1), ledger);
  money.drawn(1, t0);
  spend(ledger, 1);
  EXPECT_EQ(money.draw_due(ledger, t0), std::nullopt) << "all of it is drawn";
  money.set_goal(Goal::within(3), ledger);
  EXPECT_DOUBLE_EQ(money.goal_from_now(ledger).budget, 2);
  EXPECT_GT(*money.draw_due(ledger, t0), 1);
}

}  // namespace
}  // namespace weft::fetcher::testing
