// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/assert.h"
#include "indexer/core/clock.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace weft::sim {

/// Virtual time: actions in order of time, those of one time in order of being added. So a run
/// depends on its seed alone.
class EventQueue {
 public:
  using Action = std::move_only_function<void()>;

  [[nodiscard]] TimePoint now() const { return now_; }

  void at(TimePoint when, Action action) {
    events_.push_back({std::max(when, now_), ++last_, std::move(action)});
    std::ranges::push_heap(events_, later);
  }
  void after(Duration span, Action action) { at(now_ + span, std::move(action)); }

  [[nodiscard]] bool empty() const { return events_.empty(); }
  /// Moves to the next action's time and performs it. There must be one.
  void run_next() {
    WEFT_ASSERT(!events_.empty(), "nothing is left to happen");
    std::ranges::pop_heap(events_, later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    ++performed_;
    event.action();
  }
  [[nodiscard]] std::uint64_t performed() const { return performed_; }

 private:
  struct Event {
    TimePoint when;
    std::uint64_t order;
    Action action;
  };
  static bool later(const Event& a, const Event& b) {
    return std::pair(a.when, a.order) > std::pair(b.when, b.order);
  }

  std::vector<Event> events_;  // a heap
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t last_ = 0;
  std::uint64_t performed_ = 0;
};

}  // namespace weft::sim
