// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/timers.h"
#include "indexer/core/clock.h"

#include <functional>
#include <list>
#include <memory>

namespace weft::fetcher {

/// What a coroutine waits on until another says that something has changed. It carries no state:
/// the waiter re-checks its condition after every wake-up.
///
/// I/O thread only. Waiters are resumed from the loop, never from within `notify_all`, so a
/// notifier's state does not change under its feet. Whoever destroys a Signal has seen to it that
/// nobody waits on it.
class Signal {
 public:
  Signal() = default;
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Until the next `notify_all`. The caller knows that it will come.
  [[nodiscard]] Awaitable<void> wait();
  /// False: `deadline` came first. `timers` must outlive the wait.
  [[nodiscard]] Awaitable<bool> wait_until(Timers& timers, TimePoint deadline);
  void notify_all();

 private:
  using Waiter = std::move_only_function<void(bool notified)>;
  std::list<std::shared_ptr<Waiter>> waiters_;
};

/// Suspends the caller until `when`.
[[nodiscard]] Awaitable<void> sleep_until(Timers& timers, TimePoint when);

}  // namespace weft::fetcher
