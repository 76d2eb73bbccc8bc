// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "indexer/core/clock.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

/// Time for the I/O thread: `now` and calls at a point in time. The seam that lets the whole
/// fetcher run on virtual time.
namespace weft::fetcher {

enum class TimerId : std::uint64_t {};

/// I/O thread only, apart from `now`.
class Timers : public Clock {
 public:
  using Callback = std::move_only_function<void()>;
  /// Calls `callback` once, not before `when`, from the I/O thread's loop: never from within
  /// `call_at`. It must not throw.
  virtual TimerId call_at(TimePoint when, Callback callback) = 0;
  /// The callback will not be called (any more). Ids that have fired are ignored.
  virtual void cancel(TimerId id) noexcept = 0;
};

/// The pure part of every implementation: calls ordered by time, equal times in order of arrival.
class TimerQueue {
 public:
  TimerId add(TimePoint when, Timers::Callback callback);
  void cancel(TimerId id) noexcept;
  [[nodiscard]] bool empty() const noexcept { return by_time_.empty(); }
  /// Undefined when empty.
  [[nodiscard]] TimePoint next() const { return by_time_.begin()->first.first; }
  /// Removes and returns the first call due at `now`; an empty function if there is none.
  [[nodiscard]] Timers::Callback pop_due(TimePoint now);

 private:
  using Key = std::pair<TimePoint, TimerId>;
  std::map<Key, Timers::Callback> by_time_;
  std::map<TimerId, TimePoint> by_id_;
  std::uint64_t last_id_ = 0;
};

/// Real time: the steady clock and one Asio timer on `executor`.
[[nodiscard]] std::unique_ptr<Timers> make_asio_timers(Executor executor);

/// Calls back at a deadline unless destroyed first: the watchdog of an operation that is ended by
/// closing what it waits for. `timers` must outlive it.
class Deadline {
 public:
  Deadline(Timers& timers, TimePoint when, Timers::Callback on_passed);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  Timers& timers_;
  TimerId id_;
};

}  // namespace weft::fetcher
