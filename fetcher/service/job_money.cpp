// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/job_money.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr double parts = 64;
constexpr Duration too_short = std::chrono::seconds(2);
constexpr Duration too_long = std::chrono::seconds(20);

}  // namespace

void JobMoney::set_goal(plan::Goal goal, const MoneyLedger& ledger) {
  goal_ = goal;
  const bool budgeted = goal.kind == plan::Goal::Kind::within_budget;
  budget_ = budgeted ? std::optional(goal.budget) : std::nullopt;
  part_ = goal.budget / parts;
  // What was spent without a budget was not drawn.
  drawn_ = std::max(drawn_, spent(ledger));
}

double JobMoney::spent(const MoneyLedger& ledger) const {
  return before_ + std::max(0.0, ledger.spent() - base_);
}

plan::Goal JobMoney::goal_from_now(const MoneyLedger& ledger) const {
  plan::Goal goal = goal_;
  goal.budget = std::max(0.0, goal.budget - spent(ledger));
  return goal;
}

std::optional<double> JobMoney::draw_due(const MoneyLedger& ledger, TimePoint now) const {
  if (!budget_ || drawn_ >= *budget_ || now < rest_until_) return std::nullopt;
  const double at_most = spent(ledger) + ledger.reserved();
  if (drawn_ - at_most >= part_ / 2) return std::nullopt;
  return std::min(*budget_, std::max(at_most, drawn_) + part_);
}

void JobMoney::drawn(double money, TimePoint now) {
  drawn_ = std::max(drawn_, money);
  const Duration lasted = now - drawn_at_;
  const bool first = drawn_at_ == TimePoint{};
  if (!first && lasted < too_short) part_ = std::min(2 * part_, *budget_);
  if (!first && lasted > too_long) part_ = std::max(part_ / 2, *budget_ / parts);
  drawn_at_ = now;
  trouble_.clear();
}

void JobMoney::not_drawn(std::string why, TimePoint now) {
  trouble_ = std::move(why);
  rest_until_ = now + std::chrono::seconds(1);
}

std::optional<double> JobMoney::cleared(const MoneyLedger& ledger) const {
  if (!budget_) return std::nullopt;
  return std::max(0.0, drawn_ - spent(ledger));
}

}  // namespace weft::fetcher
