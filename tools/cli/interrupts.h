// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include <signal.h>

namespace weft::tools {

/// Turns the first SIGINT, SIGTERM or SIGHUP into a stop request; the second ends the process at
/// once. Blocks these signals for the thread that makes it and for all started afterwards, so make
/// it first. One per process at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  void watch();

  sigset_t signals_;
  sigset_t previous_;
  std::stop_source stop_;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

}  // namespace weft::tools
