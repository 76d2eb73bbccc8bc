// SPDX-License-Identifier: Apache-2.0
// FetchEngine: what a job may spend, and what it has.
#include "fetcher/service/engine.h"
#include "fetcher/service/job_money.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr double clearly = 0.1;  // plans err

/// Even the cheapest way costs more than the budget.
bool falls_short(const PlanStatus& plan, const MoneyLedger& ledger) {
  const auto left = ledger.left();
  if (!left) return false;
  const double least = plan.forecast.least_cost;
  return plan.spent + least - ledger.spent() - ledger.reserved() - *left > clearly * least;
}

}  // namespace

void FetchEngine::pursue(const State& state, plan::Goal goal) {
  const MoneyLedger& ledger = *scheduler_.money(state->id());
  state->money->set_goal(goal, ledger);
  scheduler_.set_goal(state->id(), state->money->goal_from_now(ledger));
  clear_money(state);
}

void FetchEngine::clear_money(const State& state) {
  const MoneyLedger& ledger = *scheduler_.money(state->id());
  scheduler_.clear_money(state->id(), state->money->cleared(ledger), timers_.now());
  drain();
}

/// Before it is spent, what may be is written down.
Awaitable<void> FetchEngine::draw_money(State state, WriteDown write_down) {
  const auto due = state->money->draw_due(*scheduler_.money(state->id()), timers_.now());
  if (!due) co_return;
  Result<void> written;
  if (write_down) {
    std::function<Result<void>()> write = [write_down, due] { return write_down(*due); };
    written = co_await run_on_worker(workers_, std::move(write));
  }
  if (stopping_) co_return;
  if (written) {
    state->money->drawn(*due, timers_.now());
  } else {
    state->money->not_drawn(written.error().message(), timers_.now());
  }
  clear_money(state);
}

void FetchEngine::report_money(const State& state, MaterializeProgress& progress) const {
  const ImageId id = state->id();
  const MoneyLedger& ledger = *scheduler_.money(id);
  progress.spent = state->money->spent(ledger);
  progress.in_flight = ledger.reserved();
  progress.budget = state->money->budget();
  progress.out_of_money = progress.state == JobState::waiting && scheduler_.too_dear(id);
  const PlanStatus* plan = scheduler_.plan(id);
  if (plan != nullptr && !is_final(progress.state)) {
    const double to_come = plan->spent + plan->forecast.cost - ledger.spent();
    progress.expected_cost = progress.spent + std::max(0.0, to_come);
    progress.falls_short = falls_short(*plan, ledger) && scheduler_.is_wire_known(id);
  }
  if (!state->money->trouble().empty()) {
    progress.note = "spends nothing, since it cannot be written down: " + state->money->trouble();
  } else if (progress.out_of_money) {
    progress.eta.reset();
    progress.note = "what is left of the budget does not pay for what is missing";
  } else if (progress.state == JobState::running && progress.falls_short) {
    progress.note = "the budget does not pay for all of it";
  }
}

}  // namespace weft::fetcher
