// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"

#include <chrono>
#include <functional>
#include <thread>

namespace weft::tools {

/// Calls `chore` about once per `period` on a thread of its own, where it may block on disk I/O.
/// `stop()` (or the destructor) waits for the call that is running. `stop` must not be called from
/// the chore.
class Housekeeper {
 public:
  explicit Housekeeper(std::function<void()> chore, Duration period = std::chrono::seconds(1));
  ~Housekeeper();
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  void stop();

 private:
  void run();

  const std::function<void()> chore_;
  const Duration period_;
  Mutex mutex_;
  Condition wake_;
  bool stopping_ WEFT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weft::tools
