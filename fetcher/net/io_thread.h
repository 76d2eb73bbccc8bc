// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/timers.h"

#include <functional>
#include <memory>
#include <string>

namespace weft::fetcher {

/// The one thread that runs all network state: no locks there, and nothing that blocks.
///
/// Lifecycle: starts in the constructor. `stop()` returns when the loop has run out of work: stop
/// the task groups on it first. Any thread may call the methods; `stop`, `run` and the destructor
/// not from the I/O thread itself.
class IoThread {
 public:
  explicit IoThread(std::string name = "weft-io");
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  [[nodiscard]] Executor executor() const;
  /// Valid until the IoThread is destroyed; for use on the I/O thread.
  [[nodiscard]] Timers& timers() const;
  /// Runs `function` on the I/O thread, later. It must not throw.
  void post(std::move_only_function<void()> function);
  /// Runs a coroutine on the I/O thread and waits for its end; rethrows what leaves it. `make` is
  /// called there. For start-up and shut-down.
  void run(std::move_only_function<Awaitable<void>()> make);
  [[nodiscard]] bool is_current() const noexcept;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::fetcher
