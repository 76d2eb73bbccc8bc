// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/offload.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "tests/support/fetcher/faulty_network.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace weft::fetcher::testing {

/// Virtual time, advanced by `SimWorld` alone.
class ManualTimers final : public Timers {
 public:
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }
  TimerId call_at(TimePoint when, Callback callback) override;
  void cancel(TimerId id) noexcept override { queue_.cancel(id); }
  /// Moves to the next call's time and makes it. False: there is none.
  bool advance_to_next();
  /// Makes every call due until `when`.
  void advance_to(TimePoint when);
  [[nodiscard]] std::optional<TimePoint> next() const;

 private:
  TimePoint now_{std::chrono::seconds(1'000)};
  TimerQueue queue_;
};

/// A worker pool that runs tasks at once, on the calling thread: keeps a simulation deterministic.
class InlineOffload final : public Offload {
 public:
  Awaitable<bool> run(Task task) override;
  std::size_t tasks = 0;
};

/// One process of the fetcher in virtual time on one thread: no real wait, no race.
///
///     SimWorld world;
///     world.run([&]() -> Awaitable<void> { … co_await …; });
class SimWorld {
 public:
  SimWorld();
  ~SimWorld();

  [[nodiscard]] Executor executor() const;
  [[nodiscard]] ManualTimers& timers();
  [[nodiscard]] FaultyNetwork& network();
  [[nodiscard]] InlineOffload& offload();
  /// For the tasks under test. `run` does not wait for them.
  [[nodiscard]] TaskGroup& tasks();

  /// Runs the coroutine made by `make` to its end, advancing time whenever nothing is runnable.
  /// Fails the test and aborts if it can never end, or does not within `limit` of virtual time;
  /// what it throws is thrown on. `make` outlives the run.
  void run(std::function<Awaitable<void>()> make, Duration limit = std::chrono::hours(1));
  /// Lets virtual time advance by `span`.
  void run_for(Duration span);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::fetcher::testing
