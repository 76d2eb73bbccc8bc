// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/housekeeper.h"

#include <utility>

#include <pthread.h>

namespace weft::tools {

Housekeeper::Housekeeper(std::function<void()> chore, Duration period)
    : chore_(std::move(chore)), period_(period), thread_([this] { run(); }) {}

Housekeeper::~Housekeeper() {
  stop();
}

void Housekeeper::run() {
  ::pthread_setname_np(::pthread_self(), "weft-house");
  auto next = steady_clock().now() + period_;
  for (;;) {
    {
      const Lock lock(mutex_);
      while (!stopping_ && wake_.wait_until(mutex_, next)) {
      }
      if (stopping_) return;
    }
    chore_();
    // From the end of the chore: a slow disk must not make it run back to back.
    next = steady_clock().now() + period_;
  }
}

void Housekeeper::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace weft::tools
