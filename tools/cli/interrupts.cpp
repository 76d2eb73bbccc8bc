// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/interrupts.h"

#include <ctime>

namespace weft::tools {

Interrupts::Interrupts() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &previous_);
  watcher_ = std::jthread([this](const std::stop_token& ending) { watch(ending); });
}

Interrupts::~Interrupts() {
  watcher_.request_stop();
  watcher_.join();
  ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void Interrupts::watch(const std::stop_token& ending) {
  constexpr timespec period{0, 100'000'000};
  while (!ending.stop_requested()) {
    const int signal = ::sigtimedwait(&signals_, nullptr, &period);
    if (signal < 0) continue;
    if (stop_.stop_requested()) {
      ::signal(signal, SIG_DFL);
      ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
      ::raise(signal);
    }
    stop_.request_stop();
  }
}

}  // namespace weft::tools
