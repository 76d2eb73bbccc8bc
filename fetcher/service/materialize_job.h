// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/plan_problem.h"
#include "fetcher/service/statistics.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/units.h"
#include "indexer/tree/image_id.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weft::fetcher {

struct MaterializeOptions {
  /// Upper bound of what the job fetches, content bytes per second; 0: none.
  double bytes_per_second = 0;
  /// What matters: time, or money.
  plan::Goal goal = {};
};

enum class JobState : std::uint8_t {
  running,
  paused,     ///< by its owner; reads go on
  waiting,    ///< no connected peer holds what is missing: goes on when one appears
  disk_full,  ///< goes on when space returns (tried every few seconds)
  done,       ///< every block and tree node is here and durable
  cancelled,
  failed  ///< see `error`
};
[[nodiscard]] const char* to_string(JobState state) noexcept;
[[nodiscard]] constexpr bool is_final(JobState state) noexcept {
  return state >= JobState::done;
}

/// What the newest plan of a job says.
struct JobPlan {
  PlanForecast forecast;  ///< counted from `age` ago
  Duration age{0};
  std::uint64_t plans = 0;  ///< made for the job so far
  std::string trouble;      ///< why there is no newer one; usually empty
};

struct MaterializeProgress {
  JobState state = JobState::running;
  BlockCount total;             ///< blocks of the image
  BlockCount done;              ///< readable: zero, resident or borrowed
  ByteCount fetched;            ///< content committed since the job started, by any read
  double bytes_per_second = 0;  ///< of `fetched`, over the last seconds
  FetchSources sources;         ///< since the fetcher cares for the image, by any read
  struct From {
    std::string address;
    FetchReasons reasons;
  };
  std::vector<From> from;       ///< what came from each peer and why, since then
  double spent = 0;             ///< for it, at the prices of its sources
  std::optional<Duration> eta;  ///< from that rate; nullopt: unknown
  std::optional<JobPlan> plan;  ///< nullopt: none is made yet
  std::string note;             ///< for people: what it waits for; empty while running
  std::optional<Error> error;   ///< JobState::failed
};

/// A running materialization. Held by shared_ptr; dropping it does not end the job. Any thread.
class MaterializeJob {
 public:
  /// Called on the I/O thread, at most about 4 times a second and once with a final state.
  using OnProgress = std::move_only_function<void(const MaterializeProgress&)>;

  virtual ~MaterializeJob() = default;
  [[nodiscard]] virtual const ImageId& image() const noexcept = 0;
  [[nodiscard]] virtual MaterializeProgress progress() const = 0;
  /// Nothing is asked for any more that nobody waits for, until `resume`. No effect after a final
  /// state.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Ends the job; what has arrived stays. No effect after a final state.
  virtual void cancel() = 0;
};

}  // namespace weft::fetcher
