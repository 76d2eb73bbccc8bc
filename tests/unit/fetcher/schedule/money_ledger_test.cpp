// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/money_ledger.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::fetcher::testing {
namespace {

constexpr double gib = 1 << 30;
constexpr double block_at_most = MoneyLedger::most_bytes_per_block / gib;

TEST(MoneyLedger, without_a_budget_everything_is_affordable_and_counted) {
  MoneyLedger ledger;
  EXPECT_GT(ledger.affordable(1e9), BlockCount(1U << 30U));
  ledger.reserve(2, BlockCount(100));
  ledger.came(2, BlockCount(100), 1 << 20);
  EXPECT_DOUBLE_EQ(ledger.spent(), 2.0 / 1024);
  EXPECT_DOUBLE_EQ(ledger.reserved(), 0);
  EXPECT_EQ(ledger.left(), std::nullopt);
}

TEST(MoneyLedger, what_is_reserved_cannot_be_spent_twice) {
  MoneyLedger ledger;
  ledger.set_budget(10.5 * block_at_most);
  EXPECT_EQ(ledger.affordable(1), BlockCount(10));
  EXPECT_EQ(ledger.affordable(2), BlockCount(5));
  ledger.reserve(1, BlockCount(7));
  EXPECT_EQ(ledger.affordable(1), BlockCount(3));
  ledger.came(1, BlockCount(7), 0);
  EXPECT_EQ(ledger.affordable(1), BlockCount(10)) << "it cost nothing after all";
}

TEST(MoneyLedger, free_peers_are_never_too_dear) {
  MoneyLedger ledger;
  ledger.set_budget(0.0);
  EXPECT_GT(ledger.affordable(0), BlockCount(1U << 30U));
  EXPECT_EQ(ledger.affordable(0.01), BlockCount(0));
}

TEST(MoneyLedger, what_was_cancelled_counts_at_its_largest) {
  MoneyLedger ledger;
  ledger.set_budget(100 * block_at_most);
  ledger.reserve(1, BlockCount(50));
  ledger.lost(1, BlockCount(30));
  ledger.release(1, BlockCount(20));
  EXPECT_NEAR(ledger.spent(), 30 * block_at_most, 1e-12);
  EXPECT_EQ(ledger.affordable(1), BlockCount(70));
}

TEST(MoneyLedger, a_new_budget_is_from_now_on) {
  MoneyLedger ledger;
  ledger.reserve(1, BlockCount(50));
  ledger.came(1, BlockCount(50), 100'000);
  ledger.set_budget(10.5 * block_at_most);
  EXPECT_EQ(ledger.affordable(1), BlockCount(10));
}

TEST(MoneyLedger, what_is_on_its_way_counts_against_a_new_budget) {
  MoneyLedger ledger;
  ledger.reserve(1, BlockCount(8));
  ledger.set_budget(10.5 * block_at_most);
  EXPECT_EQ(ledger.affordable(1), BlockCount(2));
}

TEST(MoneyLedger, what_is_not_cleared_is_payable_but_not_affordable) {
  MoneyLedger ledger;
  ledger.set_budget(100.5 * block_at_most);
  ledger.clear(10.5 * block_at_most);
  EXPECT_EQ(ledger.affordable(1), BlockCount(10));
  EXPECT_EQ(ledger.payable(1), BlockCount(100));
  ledger.reserve(1, BlockCount(10));
  EXPECT_EQ(ledger.affordable(1), BlockCount(0));
  EXPECT_EQ(ledger.payable(1), BlockCount(90));
  EXPECT_GT(ledger.affordable(0), BlockCount(1U << 30U)) << "free peers need no clearing";
  ledger.clear(1000 * block_at_most);
  EXPECT_EQ(ledger.affordable(1), BlockCount(90)) << "never more than the budget";
  ledger.clear(std::nullopt);
  EXPECT_EQ(ledger.affordable(1), BlockCount(90));
}

TEST(MoneyLedger, never_exceeds_the_budget_whatever_comes) {
  std::mt19937 random(3);
  MoneyLedger ledger;
  const double budget = 5000 * block_at_most;
  ledger.set_budget(budget);
  std::vector<std::pair<double, std::uint64_t>> flights;
  for (int i = 0; i < 20'000; ++i) {
    const double price = static_cast<double>(1 + random() % 5);
    const std::uint64_t blocks =
        std::min<std::uint64_t>(1 + random() % 32, ledger.affordable(price).value());
    if (blocks > 0) {
      ledger.reserve(price, BlockCount(blocks));
      flights.emplace_back(price, blocks);
    }
    if (!flights.empty() && random() % 2 == 0) {
      const auto [at, count] = flights.back();
      flights.pop_back();
      if (random() % 8 == 0) {
        ledger.lost(at, BlockCount(count));
      } else {
        ledger.came(at, BlockCount(count), count * (random() % MoneyLedger::most_bytes_per_block));
      }
    }
    ASSERT_LE(ledger.spent() + ledger.reserved(), budget * (1 + 1e-9));
  }
  EXPECT_GT(ledger.spent(), 0.9 * budget);
}

}  // namespace
}  // namespace weft::fetcher::testing
