// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/service/fetcher.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/store.h"
#include "tools/daemon/job_record.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// A materialization as the node lists it.
struct JobView {
  ImageId image;
  std::string name;
  fetcher::MaterializeProgress progress;
  double bytes_per_second = 0;  ///< its cap; 0: none
};

/// What is asked of a job. Empty: as it is; of a new one no cap, the fastest, and not paused.
struct JobWishes {
  std::optional<double> bytes_per_second{};  ///< content, at most; 0: no cap
  std::optional<fetcher::plan::Goal> goal{};
  std::optional<bool> paused{};
  bool in_image_order = false;  ///< of a new job: a boot does not go first
};

/// The materialize jobs of a node, one per image, named by the image id. A job is recorded in the
/// catalog before it starts and until it has ended, so that a restarted node goes on with it.
///
/// Money: what a job with a budget may spend next is added to its record before it is spent
/// (`fetcher::JobMoney`). After a crash all of that counts as spent; after an orderly stop only
/// what was, and what was on its way.
///
/// Lifecycle: `resume` at start, `reap` about once a second, `close` before the fetcher is stopped
/// (jobs that the stop ends stay recorded), `settle` after that. `fetcher` outlives it; its workers
/// have stopped when this ends. Thread-safe; calls may block on the catalog.
class JobBook {
 public:
  JobBook(Store& store, fetcher::Fetcher& fetcher);

  /// Starts again what an earlier run left unfinished. Jobs of images that are gone are forgotten.
  [[nodiscard]] Result<void> resume();
  /// A second job on an image joins the first, which changes as it says, and resumes it unless it
  /// says otherwise. One that is being cancelled is waited for, a few seconds at most;
  /// Errc::queue_full: it has not ended by then.
  [[nodiscard]] Result<JobView> start(const std::string& name, std::shared_ptr<LocalImage> image,
                                      const JobWishes& wishes);
  [[nodiscard]] std::optional<JobView> find(const ImageId& image) const;
  /// Pauses, resumes, or gives another cap or goal, to a running job: written down first. nullopt:
  /// none is running.
  [[nodiscard]] Result<std::optional<JobView>> change(const ImageId& image,
                                                      const JobWishes& wishes);
  /// Running jobs, and the last ones that ended.
  [[nodiscard]] std::vector<JobView> list() const;
  /// Forgets the job, durably, and ends it; what has arrived stays. False: none is running. An
  /// error: it goes on.
  [[nodiscard]] Result<bool> cancel(const ImageId& image);
  [[nodiscard]] bool any_running() const;

  /// Forgets the record of jobs that have ended, and the oldest ended ones beyond a bound.
  void reap();
  void close();
  /// Writes down what the jobs that the stop ended have spent.
  void settle();

 private:
  struct Job {
    JobRecord record;
    std::shared_ptr<fetcher::MaterializeJob> handle;
    bool recorded = true;
    bool cancelling = false;  ///< its record is deleted and stays so, though it has not ended yet
    std::uint64_t sequence = 0;
  };
  [[nodiscard]] static JobView view(const ImageId& image, const Job& job);
  /// The job, if it has not ended and nobody has cancelled it.
  Job* running(const ImageId& image) WEFT_REQUIRES(mutex_);
  Result<void> await_cancelled(const ImageId& image) WEFT_REQUIRES(mutex_);
  const Job& begin(std::shared_ptr<LocalImage> image, JobRecord record) WEFT_REQUIRES(mutex_);
  Result<void> apply(const ImageId& image, Job& job, const JobWishes& wishes) WEFT_REQUIRES(mutex_);
  Result<void> write_down(const ImageId& image, double money);

  Store& store_;
  fetcher::Fetcher& fetcher_;
  mutable Mutex mutex_;
  Condition moment_;  // nobody notifies it
  std::map<ImageId, Job> jobs_ WEFT_GUARDED_BY(mutex_);
  std::uint64_t sequence_ WEFT_GUARDED_BY(mutex_) = 0;
  bool closed_ WEFT_GUARDED_BY(mutex_) = false;
};

}  // namespace weft::tools
