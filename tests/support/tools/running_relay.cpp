// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/running_relay.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace weft::testing {
namespace {

Relay open_relay(const RelayOptions& options) {
  auto relay = Relay::open(options);
  if (!relay) throw std::runtime_error(relay.error().message());
  return std::move(*relay);
}

}  // namespace

RunningRelay::RunningRelay(const RelayOptions& options)
    : relay_(open_relay(options)),
      port_(relay_.port()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

RunningRelay::~RunningRelay() {
  thread_.request_stop();
  wake();
  thread_.join();
}

void RunningRelay::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof one));
}

void RunningRelay::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!relay_.step(std::chrono::seconds(1), {wake_.get(), -1})[0]) continue;
    std::uint64_t count = 0;
    static_cast<void>(::read(wake_.get(), &count, sizeof count));
    const Lock lock(mutex_);
    if (!question_) continue;
    known_ = question_->empty() || relay_.command(*question_);
    counts_ = relay_.counts();
    question_.reset();
    answered_.notify_all();
  }
}

RelayCounts RunningRelay::ask(std::string_view word) {
  const Lock lock(mutex_);
  while (question_)
    answered_.wait(mutex_);
  question_ = std::string(word);
  wake();
  while (question_)
    answered_.wait(mutex_);
  if (!known_) throw std::invalid_argument(std::string(word));
  return counts_;
}

void RunningRelay::command(std::string_view word) {
  static_cast<void>(ask(word));
}

RelayCounts RunningRelay::counts() {
  return ask("");
}

}  // namespace weft::testing
