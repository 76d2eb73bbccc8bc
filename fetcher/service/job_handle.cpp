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

JobHandle::JobHandle(const ImageId& image, OnProgress on_progress, std::function<void()> wake)
    : image_(image), wake_(std::move(wake)), on_progress_(std::move(on_progress)) {}

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

void JobHandle::report(MaterializeProgress progress) {
  {
    const Lock lock(mutex_);
    if (is_final(progress_.state)) return;
    progress_ = progress;
  }
  if (on_progress_) on_progress_(progress);
  if (is_final(progress.state)) on_progress_ = nullptr;
}

}  // namespace weft::fetcher
