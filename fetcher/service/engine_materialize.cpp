// SPDX-License-Identifier: Apache-2.0
// FetchEngine: materialization in image order.
#include "fetcher/service/engine.h"
#include "fetcher/service/job_handle.h"
#include "fetcher/service/job_money.h"
#include "fetcher/service/materializer.h"
#include "fetcher/swarm/swarm.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {

namespace {

constexpr std::size_t many_ready_twins = 256;

}  // namespace

std::shared_ptr<MaterializeJob> FetchEngine::materialize(std::shared_ptr<LocalImage> image,
                                                         MaterializeOptions options,
                                                         MaterializeJob::OnProgress on_progress,
                                                         std::function<void()> wake) {
  const ImageId id = image->info().id;
  MaterializeProgress first;
  first.spent = options.spent_before;
  if (options.goal.kind == plan::Goal::Kind::within_budget) first.budget = options.goal.budget;
  auto job = std::make_shared<JobHandle>(id, std::move(on_progress), std::move(wake), first);
  if (stopping_) {
    MaterializeProgress none;
    none.state = JobState::cancelled;
    job->report(std::move(none));
    return job;
  }
  const State state = care_for(image);
  if (state->job) return state->job;
  state->job = job;
  ++state->attached;
  if (options.paused) job->pause();
  spawn_for(state, "materialize", run_job(state, job, options));
  return job;
}

void FetchEngine::wake_jobs() {
  for (const auto& [id, state] : images_) {
    if (state->job || state->boot.running) state->changed.notify_all();
  }
}

void FetchEngine::hold_if_paused(const State& state, const JobHandle& job) {
  if (std::exchange(state->paused, job.paused()) == job.paused()) return;
  scheduler_.hold_prefetch(state->id(), job.paused(), timers_.now());
  drain();
}

void FetchEngine::cap(const State& state, double bytes_per_second) {
  scheduler_.cap_prefetch(state->id(), bytes_per_second, timers_.now());
  drain();
}

/// What only the scheduler knows.
void FetchEngine::complete_report(const State& state, MaterializeProgress& progress) const {
  const ImageId id = state->id();
  progress.plan = plan_of(id);
  progress.from.clear();
  for (const auto& [peer, counts] : scheduler_.counts(id))
    progress.from.push_back({peers_.address(peer), reasons_of(counts)});
  report_money(state, progress);
}

Awaitable<void> FetchEngine::run_job(State state, std::shared_ptr<JobHandle> job,
                                     MaterializeOptions options) {
  const ImageId id = state->id();
  const std::uint64_t before = state->committed;
  scheduler_.cap_prefetch(id, options.bytes_per_second, timers_.now());
  state->money = std::make_shared<JobMoney>(options.spent_before, *scheduler_.money(id));
  pursue(state, options.goal);
  Materializer materializer(state->image, grafter(state), timers_.now());
  scheduler_.more_to_come(id, materializer.to_come());
  join_swarm(state);
  state->boot.unwanted = options.in_image_order;
  if (!options.in_image_order) begin_boot(state, false);
  while (!stopping_ && !job->cancelled() && !is_final(materializer.progress().state)) {
    hold_if_paused(state, *job);
    if (const auto goal = job->take_goal()) pursue(state, *goal);
    if (const auto rate = job->take_rate()) cap(state, *rate);
    co_await draw_money(state, options.write_down);
    if (stopping_) break;
    const ImageSchedule& schedule = *scheduler_.image(id);
    const Materializer::View view{
        .now = timers_.now(),
        .backlog = scheduler_.prefetch_backlog(id) + twins_.pending(id),
        .wanted_runs = schedule.wanted(wire::Priority::prefetch).runs(),
        .twins = twins_.pending(id),
        .busy = schedule.busy(),
        .fetched = bytes_of(BlockCount(state->committed - before)),
        .sources = state->sources,
        .disk_full = state->disk_full,
        .paused = job->paused(),
        .nodes = &schedule.nodes,
        .tree_waits = awaits_relatives(state),
        .bulk_nodes = bulk_nodes(),
        .jobs_done = jobs_done_,
    };
    auto step = materializer.next(view);
    if (!step || twins_.ready(id) >= many_ready_twins) {
      const bool brought = co_await bring_in_twins(state);
      if (brought) continue;
    }
    if (!step) {
      if (auto progress = materializer.due_report(view)) {
        complete_report(state, *progress);
        job->report(std::move(*progress));
      }
      const TimePoint until = materializer.wake_at(timers_.now());
      co_await state->changed.wait_until(timers_, until);
      continue;
    }
    const Result<Materializer::Outcome> outcome =
        co_await run_on_worker(workers_, std::move(*step));
    if (stopping_) break;
    want_once(state, materializer.take(outcome, timers_.now()));
    scheduler_.more_to_come(id, materializer.to_come());
    drain();
  }
  MaterializeProgress last = materializer.progress();
  if (!is_final(last.state)) last.state = JobState::cancelled;
  last.sources = state->sources;
  complete_report(state, last);
  job->report(std::move(last));
  twins_.forget(id);
  ++jobs_done_;
  scheduler_.stop_prefetch(id);
  state->paused = false;
  leave_swarm(state);
  state->money = nullptr;
  state->job = nullptr;
  --state->attached;
}

}  // namespace weft::fetcher
