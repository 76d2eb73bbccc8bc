// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/service/materialize_job.h"
#include "indexer/core/mutex.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

namespace weft::fetcher {

/// What the owner of a job holds, and what the engine reports to. Thread-safe.
class JobHandle final : public MaterializeJob {
 public:
  /// `wake` makes the engine look at `cancelled` again; any thread. `first`: what is known before
  /// the first report.
  JobHandle(const ImageId& image, OnProgress on_progress, std::function<void()> wake,
            MaterializeProgress first = {});

  [[nodiscard]] const ImageId& image() const noexcept override { return image_; }
  [[nodiscard]] MaterializeProgress progress() const override;
  void cancel() override;
  void pause() override;
  void resume() override;
  void set_goal(plan::Goal goal) override;
  void set_rate(double bytes_per_second) override;

  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  /// A goal that was set and not taken yet.
  [[nodiscard]] std::optional<plan::Goal> take_goal();
  /// The same of a cap.
  [[nodiscard]] std::optional<double> take_rate();
  /// I/O thread. Nothing is reported after a final state.
  void report(MaterializeProgress progress);

 private:
  const ImageId image_;
  const std::function<void()> wake_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> paused_{false};
  OnProgress on_progress_;  // I/O thread
  mutable Mutex mutex_;
  std::optional<plan::Goal> goal_ WEFT_GUARDED_BY(mutex_);
  std::optional<double> rate_ WEFT_GUARDED_BY(mutex_);
  MaterializeProgress progress_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::fetcher
