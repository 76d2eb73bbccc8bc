// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace weft {

struct WorkerPoolOptions {
  std::size_t threads = 2;
  std::size_t queue_limit =
      256;                      ///< tasks waiting; beyond it `submit` blocks, `try_submit` refuses
  std::string name = "worker";  ///< thread names: name/0, name/1, …
};

/// Threads that hash, (de)compress and do blocking file I/O, fed by one bounded queue.
///
/// Lifecycle: threads start in the constructor; `stop()` (or the destructor) refuses new tasks,
/// runs what is queued, and joins. Tasks must not throw: an exception that leaves a task aborts.
/// All methods may be called from any thread; `submit` must not be called from a pool thread
/// (it could wait for itself).
class WorkerPool {
 public:
  using Task = std::move_only_function<void()>;

  explicit WorkerPool(WorkerPoolOptions options);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Waits for room in the queue. False: stopped, the task was not taken.
  [[nodiscard]] bool submit(Task task);
  /// False: queue full or stopped; `task` is left untouched. For the I/O thread, which never waits.
  [[nodiscard]] bool try_submit(Task& task);
  void stop();

  /// True once `stop` has been called: tasks are refused for good.
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::size_t threads() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
