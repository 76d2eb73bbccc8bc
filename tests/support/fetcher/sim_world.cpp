// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/sim_world.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <optional>
#include <utility>

namespace weft::fetcher::testing {

TimerId ManualTimers::call_at(TimePoint when, Callback callback) {
  return queue_.add(when, std::move(callback));
}

bool ManualTimers::advance_to_next() {
  if (queue_.empty()) return false;
  now_ = std::max(now_, queue_.next());
  if (Callback due = queue_.pop_due(now_)) due();
  return true;
}

void ManualTimers::advance_to(TimePoint when) {
  while (!queue_.empty() && queue_.next() <= when)
    advance_to_next();
  now_ = std::max(now_, when);
}

std::optional<TimePoint> ManualTimers::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.next();
}

Awaitable<bool> InlineOffload::run(Task task) {
  ++tasks;
  task();
  co_return true;
}

struct SimWorld::Impl {
  boost::asio::io_context context{1};
  ManualTimers timers;
  InlineOffload offload;
  FaultyNetwork network{timers};
  TaskGroup tasks{context.get_executor()};

  void poll() {
    context.restart();
    context.poll();
  }
};

SimWorld::SimWorld() : impl_(std::make_unique<Impl>()) {}

SimWorld::~SimWorld() {
  EXPECT_EQ(impl_->tasks.running(), 0u) << "tasks are left over: stop what they belong to";
  EXPECT_EQ(impl_->tasks.failed(), 0u) << "a task ended with an exception";
}

Executor SimWorld::executor() const {
  return impl_->context.get_executor();
}
ManualTimers& SimWorld::timers() {
  return impl_->timers;
}
FaultyNetwork& SimWorld::network() {
  return impl_->network;
}
InlineOffload& SimWorld::offload() {
  return impl_->offload;
}
TaskGroup& SimWorld::tasks() {
  return impl_->tasks;
}

void SimWorld::run(std::function<Awaitable<void>()> make, Duration limit) {
  std::optional<std::exception_ptr> outcome;
  const TimePoint end = impl_->timers.now() + limit;
  boost::asio::co_spawn(impl_->context, make(),
                        [&outcome](const std::exception_ptr& error) { outcome = error; });
  impl_->poll();
  while (!outcome) {
    if (impl_->timers.now() > end || !impl_->timers.advance_to_next()) {
      // The coroutine is still suspended and refers to this frame: nothing can go on from here.
      ADD_FAILURE() << (impl_->timers.now() > end ? "not finished within its virtual time"
                                                  : "deadlock: nothing can ever run again");
      std::abort();
    }
    impl_->poll();
  }
  if (*outcome != nullptr) std::rethrow_exception(*outcome);
}

void SimWorld::run_for(Duration span) {
  const TimePoint end = impl_->timers.now() + span;
  impl_->poll();
  for (auto next = impl_->timers.next(); next && *next <= end; next = impl_->timers.next()) {
    impl_->timers.advance_to_next();
    impl_->poll();
  }
  impl_->timers.advance_to(end);
}

}  // namespace weft::fetcher::testing
