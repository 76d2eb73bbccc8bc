// SPDX-License-Identifier: Apache-2.0
// FetchEngine: plans are made by a worker.
#include "fetcher/service/engine.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace weft::fetcher {

void FetchEngine::perform(MakePlan& command) {
  const State state = find(command.image);
  if (state) spawn_for(state, "make a plan", make_plan(std::move(command), state));
}

Awaitable<void> FetchEngine::make_plan(MakePlan command, State state) {
  const std::shared_ptr<const PlanRequest> request = command.request;
  const auto work = [request]() -> Result<PlanAnswer> { return solve(*request); };
  const Result<PlanAnswer> answer = co_await run_on_worker(workers_, work);
  if (stopping_) co_return;
  if (!answer) {
    spdlog::debug("image {}: no plan: {}", to_hex(command.image), answer.error().message());
  }
  scheduler_.plan_made(command.image, request->number, answer, timers_.now());
  state->changed.notify_all();
  drain();
}

/// What the plans of a job look like now. Nothing before the first is made.
std::optional<JobPlan> FetchEngine::plan_of(const ImageId& image) const {
  const PlanStatus* status = scheduler_.plan(image);
  if (status == nullptr) return std::nullopt;
  JobPlan plan{status->forecast, timers_.now() - status->at, status->plans, {}};
  if (status->error) plan.trouble = status->error->message();
  return plan;
}

}  // namespace weft::fetcher
