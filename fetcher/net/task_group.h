// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/signal.h"

#include <cstddef>
#include <exception>
#include <memory>
#include <string>

namespace weft::fetcher {

/// The only way to start a coroutine that nobody awaits. It is counted until it ends; an exception
/// that leaves it is a bug, is logged with the task's name and counted, and ends only that task.
///
/// Lifecycle: `stop()` refuses new tasks and returns when all have ended. It does not interrupt
/// them: their owner first closes what they wait for. Awaited before destruction. I/O thread only.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` from the loop. False: stopping; the task was destroyed without having run.
  bool spawn(std::string name, Awaitable<void> task);
  [[nodiscard]] std::size_t running() const noexcept { return state_->running; }
  /// Tasks that ended with an exception.
  [[nodiscard]] std::size_t failed() const noexcept { return state_->failed; }
  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }
  [[nodiscard]] Awaitable<void> stop();

 private:
  // Shared with the completion handlers, which Asio may destroy after the group.
  struct State {
    std::size_t running = 0;
    std::size_t failed = 0;
    bool stopping = false;
    Signal ended;
  };
  static void finish(State& state, const std::string& name, const std::exception_ptr& error);

  Executor executor_;
  std::shared_ptr<State> state_;
};

}  // namespace weft::fetcher
