// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/job_handle.h"

#include <utility>

namespace weft::fetcher {

const char* to_string(JobState state) noexcept {
  switch (state) {
    case JobState::running:
      return "running";
    case JobState::paused:
      return "paused";
    case JobState::waiting:
      return "waiting";
    case JobState::disk_full:
      return "disk full";
    case JobState::done:
      return "done";
    case JobState::cancelled:
      return "cancelled";
    case JobState::failed:
      return "failed";
  }
  return "unknown";
}

namespace {

/// It was that of another goal.
void forget_shortage(MaterializeProgress& progress) {
  if (progress.out_of_money || progress.falls_short) progress.note.clear();
  progress.out_of_money = progress.falls_short = false;
}

}  // namespace

JobHandle::JobHandle(const ImageId& image, OnProgress on_progress, std::function<void()> wake,
                     MaterializeProgress first)
    : image_(image),
      wake_(std::move(wake)),
      on_progress_(std::move(on_progress)),
      progress_(std::move(first)) {}

MaterializeProgress JobHandle::progress() const {
  const Lock lock(mutex_);
  return progress_;
}

void JobHandle::cancel() {
  cancelled_ = true;
  wake_();
}

void JobHandle::pause() {
  paused_ = true;
  wake_();
}

void JobHandle::resume() {
  paused_ = false;
  wake_();
}

void JobHandle::set_goal(plan::Goal goal) {
  {
    const Lock lock(mutex_);
    goal_ = goal;
    forget_shortage(progress_);
  }
  wake_();
}

std::optional<plan::Goal> JobHandle::take_goal() {
  const Lock lock(mutex_);
  return std::exchange(goal_, std::nullopt);
}

void JobHandle::set_rate(double bytes_per_second) {
  {
    const Lock lock(mutex_);
    rate_ = bytes_per_second;
  }
  wake_();
}

std::optional<double> JobHandle::take_rate() {
  const Lock lock(mutex_);
  return std::exchange(rate_, std::nullopt);
}

void JobHandle::report(MaterializeProgress progress) {
  {
    const Lock lock(mutex_);
    if (is_final(progress_.state)) return;
    if (goal_) forget_shortage(progress);
    progress_ = progress;
  }
  if (on_progress_) on_progress_(progress);
  if (is_final(progress.state)) on_progress_ = nullptr;
}

}  // namespace weft::fetcher
