// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/task_group.h"

#include "indexer/core/assert.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace weft::fetcher {
namespace {

// co_spawn may run a coroutine up to its first wait before it returns; the spawner expects to go on
// first.
Awaitable<void> from_the_loop(Executor executor, Awaitable<void> task) {
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
  co_await std::move(task);
}

}  // namespace

TaskGroup::TaskGroup(Executor executor)
    : executor_(std::move(executor)), state_(std::make_shared<State>()) {}

TaskGroup::~TaskGroup() {
  WEFT_ASSERT(state_->running == 0, "a task group is destroyed before its tasks have ended");
}

bool TaskGroup::spawn(std::string name, Awaitable<void> task) {
  if (state_->stopping) return false;
  ++state_->running;
  boost::asio::co_spawn(executor_, from_the_loop(executor_, std::move(task)),
                        [state = state_, name = std::move(name)](const std::exception_ptr& error) {
                          finish(*state, name, error);
                        });
  return true;
}

void TaskGroup::finish(State& state, const std::string& name, const std::exception_ptr& error) {
  --state.running;
  state.ended.notify_all();
  if (error == nullptr) return;
  ++state.failed;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::critical("task {} ended with an exception: {}", name, e.what());
  } catch (...) {
    spdlog::critical("task {} ended with an unknown exception", name);
  }
}

Awaitable<void> TaskGroup::stop() {
  state_->stopping = true;
  while (state_->running > 0)
    co_await state_->ended.wait();
}

}  // namespace weft::fetcher
