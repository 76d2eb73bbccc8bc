// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace weft::tools {

/// Waits for `duration` on a thread that may block. False, at once, when `stop` is requested.
[[nodiscard]] inline bool pause_for(Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace weft::tools
