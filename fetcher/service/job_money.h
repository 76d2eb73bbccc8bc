// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "fetcher/schedule/money_ledger.h"
#include "indexer/core/clock.h"

#include <optional>
#include <string>

namespace weft::fetcher {

/// The money of one job, over the processes that run it. Pure; `MoneyLedger` counts what this
/// process spends for the image.
///
/// With a budget, money is *drawn* in parts: what may have been spent after the next part is
/// written down before the part is spent. A process that is killed leaves what it had drawn, and
/// its successor counts all of that as spent: the budget is not exceeded, and at most one part is
/// lost. A part lasts some seconds; the first is a 64th of the budget.
class JobMoney {
 public:
  /// `before`: what earlier processes spent. `ledger`: as the job finds it; what is on its way to
  /// readers then counts when it comes.
  JobMoney(double before, const MoneyLedger& ledger) : before_(before), base_(ledger.spent()) {}

  void set_goal(plan::Goal goal, const MoneyLedger& ledger);
  [[nodiscard]] double spent(const MoneyLedger& ledger) const;
  [[nodiscard]] std::optional<double> budget() const { return budget_; }
  /// The goal in terms of `MoneyLedger::set_budget`: from now on.
  [[nodiscard]] plan::Goal goal_from_now(const MoneyLedger& ledger) const;

  /// What is to be written down, if now is the time to draw.
  [[nodiscard]] std::optional<double> draw_due(const MoneyLedger& ledger, TimePoint now) const;
  /// It is written down.
  void drawn(double money, TimePoint now);
  /// It could not be, for this reason; not tried again before a second has passed.
  void not_drawn(std::string why, TimePoint now);
  /// Why the last part could not be drawn; empty: it was.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// In terms of `MoneyLedger::clear`: nullopt without a budget.
  [[nodiscard]] std::optional<double> cleared(const MoneyLedger& ledger) const;

 private:
  double before_;
  double base_;
  plan::Goal goal_;
  std::optional<double> budget_;
  double drawn_ = 0;
  double part_ = 0;
  TimePoint drawn_at_{};
  TimePoint rest_until_{};
  std::string trouble_;
};

}  // namespace weft::fetcher
