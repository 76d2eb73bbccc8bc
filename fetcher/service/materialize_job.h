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
  /// It begins paused.
  bool paused = false;
  /// From the start of the image to its end, as far as the plan allows: what a boot needs does not
  /// come first. For comparison.
  bool in_image_order = false;
  /// What matters: time, or money. A budget is for all that comes of the image while the job runs,
  /// whoever waits for it, with what was spent before.
  plan::Goal goal = {};
  /// By this job when an earlier process ran it.
  double spent_before = 0;
  /// Writes down that the job may come to have spent so much. Called on a worker, with a budget
  /// only, and before so much is spent: what is written is never exceeded, though the process may
  /// die at any time. An error: no more is spent until it works. Empty: nothing is written.
  std::function<Result<void>(double money)> write_down = {};
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
  std::vector<From> from;  ///< what came from each peer and why, since then
  double spent = 0;        ///< by the job, ever, at the prices of its sources, reads included
  double in_flight = 0;    ///< money: what is on its way costs that at most
  std::optional<double> budget;
  std::optional<double> expected_cost;  ///< of the whole job, as planned last
  bool falls_short = false;             ///< the budget does not pay for all of it, as it seems
  bool out_of_money = false;            ///< waits because of the budget
  std::optional<Duration> eta;          ///< from that rate; nullopt: unknown
  std::optional<JobPlan> plan;          ///< nullopt: none is made yet
  std::string note;                     ///< for people: what it waits for, or will
  std::optional<Error> error;           ///< JobState::failed
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
  /// Another goal from now on. What was spent already counts against its budget.
  virtual void set_goal(plan::Goal goal) = 0;
  /// Another cap from now on, as `MaterializeOptions::bytes_per_second`.
  virtual void set_rate(double bytes_per_second) = 0;
  /// Ends the job; what has arrived stays. No effect after a final state.
  virtual void cancel() = 0;
};

}  // namespace weft::fetcher
