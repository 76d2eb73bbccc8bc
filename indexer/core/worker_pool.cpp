// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/worker_pool.h"

#include "indexer/core/assert.h"
#include "indexer/core/mutex.h"

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace weft {

struct WorkerPool::Impl {
  explicit Impl(WorkerPoolOptions o) : options(std::move(o)) {}

  void run() noexcept {
    current = this;
    while (auto task = next())
      task();
  }

  Task next() {
    Lock lock(mutex);
    while (queue.empty() && !stopping)
      not_empty.wait(mutex);
    if (queue.empty()) return {};
    Task task = std::move(queue.front());
    queue.pop_front();
    not_full.notify_one();
    return task;
  }

  // The pool whose thread this is.
  static thread_local const Impl* current;

  // Constant after construction.
  const WorkerPoolOptions options;
  std::vector<std::thread> threads;

  Mutex mutex;
  Condition not_empty;
  Condition not_full;
  std::deque<Task> queue WEFT_GUARDED_BY(mutex);
  bool stopping WEFT_GUARDED_BY(mutex) = false;
};

thread_local const WorkerPool::Impl* WorkerPool::Impl::current = nullptr;

WorkerPool::WorkerPool(WorkerPoolOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {
  WEFT_ASSERT(impl_->options.threads > 0 && impl_->options.queue_limit > 0,
              "a worker pool needs a thread and a queue");
  for (std::size_t i = 0; i < impl_->options.threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->run(); });
    const std::string name = impl_->options.name.substr(0, 12) + "/" + std::to_string(i);
    pthread_setname_np(impl_->threads.back().native_handle(), name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(Task task) {
  WEFT_ASSERT(Impl::current != impl_.get(), "a pool thread must not wait for its own pool");
  Lock lock(impl_->mutex);
  while (impl_->queue.size() >= impl_->options.queue_limit && !impl_->stopping) {
    impl_->not_full.wait(impl_->mutex);
  }
  if (impl_->stopping) return false;
  impl_->queue.push_back(std::move(task));
  impl_->not_empty.notify_one();
  return true;
}

bool WorkerPool::try_submit(Task& task) {
  Lock lock(impl_->mutex);
  if (impl_->stopping || impl_->queue.size() >= impl_->options.queue_limit) return false;
  impl_->queue.push_back(std::move(task));
  impl_->not_empty.notify_one();
  return true;
}

void WorkerPool::stop() {
  {
    Lock lock(impl_->mutex);
    impl_->stopping = true;
    impl_->not_empty.notify_all();
    impl_->not_full.notify_all();
  }
  for (std::thread& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
}

bool WorkerPool::stopped() const {
  Lock lock(impl_->mutex);
  return impl_->stopping;
}

std::size_t WorkerPool::queued() const {
  Lock lock(impl_->mutex);
  return impl_->queue.size();
}

std::size_t WorkerPool::threads() const noexcept {
  return impl_->options.threads;
}

}  // namespace weft
