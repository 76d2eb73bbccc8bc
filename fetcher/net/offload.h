// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/timers.h"
#include "indexer/core/error.h"
#include "indexer/core/worker_pool.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::fetcher {

/// Work that must not run on the I/O thread: disk I/O, hashing, (de)compression.
/// I/O thread only; the tasks run elsewhere.
class Offload {
 public:
  using Task = std::move_only_function<void()>;
  virtual ~Offload() = default;
  /// Runs `task` on a worker and resumes the caller on its own executor. Where no worker has room
  /// it waits without blocking. False: the workers have stopped, `task` was not run.
  [[nodiscard]] virtual Awaitable<bool> run(Task task) = 0;
};

/// On `pool`, with at most `limit` tasks of this object in the pool at a time. Both outlive it.
[[nodiscard]] std::unique_ptr<Offload> make_pool_offload(WorkerPool& pool, Timers& timers,
                                                         std::size_t limit = 64);

/// Calls `function` on a worker and returns its result, a Result<T>. Errc::cancelled: the workers
/// have stopped. `function` owns what it uses: it may outlive the caller.
template <class F>
[[nodiscard]] Awaitable<std::invoke_result_t<F&>> run_on_worker(Offload& offload, F function) {
  using R = std::invoke_result_t<F&>;
  // Shared, so that the worker's write has a home even if the coroutine is destroyed meanwhile.
  auto result = std::make_shared<std::optional<R>>();
  Offload::Task task = [result, f = std::move(function)]() mutable { result->emplace(f()); };
  const bool ran = co_await offload.run(std::move(task));
  if (!ran) co_return fail(Errc::cancelled, Operation::none, "the node is shutting down");
  co_return std::move(**result);
}

}  // namespace weft::fetcher
