// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/offload.h"

#include "fetcher/net/signal.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace weft::fetcher {
namespace {

constexpr auto token = boost::asio::use_awaitable;
// The pool's queue is full of the tasks of others, who do not tell when there is room.
constexpr auto retry_pause = std::chrono::milliseconds(1);

class PoolOffload final : public Offload {
 public:
  PoolOffload(WorkerPool& pool, Timers& timers, std::size_t limit)
      : pool_(pool), timers_(timers), limit_(limit) {}

  Awaitable<bool> run(Task task) override {
    while (in_pool_ >= limit_)
      co_await room_.wait();
    ++in_pool_;
    auto job = std::make_shared<Job>(std::move(task));
    bool ran = co_await submit(job);
    while (!ran && !pool_.stopped()) {
      co_await sleep_until(timers_, timers_.now() + retry_pause);
      ran = co_await submit(job);
    }
    --in_pool_;
    room_.notify_all();
    co_return ran;
  }

 private:
  struct Job {
    explicit Job(Task t) : task(std::move(t)) {}
    Task task;
  };

  // True: the task has run. False: it was not taken.
  Awaitable<bool> submit(std::shared_ptr<Job> job) {
    return boost::asio::async_initiate<decltype(token), void(bool)>(
        [this, job](auto handler) {
          auto executor = boost::asio::get_associated_executor(handler);
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          const auto resume = [executor, shared](bool ran) {
            boost::asio::post(executor, [shared, ran] { std::move (*shared)(ran); });
          };
          WorkerPool::Task entry = [job, resume] {
            job->task();
            job->task = {};  // what it owns dies here, not when the coroutine gets round to it
            resume(true);
          };
          if (!pool_.try_submit(entry)) resume(false);
        },
        token);
  }

  WorkerPool& pool_;
  Timers& timers_;
  const std::size_t limit_;
  std::size_t in_pool_ = 0;
  Signal room_;
};

}  // namespace

std::unique_ptr<Offload> make_pool_offload(WorkerPool& pool, Timers& timers, std::size_t limit) {
  return std::make_unique<PoolOffload>(pool, timers, limit);
}

}  // namespace weft::fetcher
