// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/timers.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace weft::fetcher {
namespace {

class AsioTimers final : public Timers {
 public:
  explicit AsioTimers(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}
  ~AsioTimers() override { state_->timer.cancel(); }

  [[nodiscard]] TimePoint now() const noexcept override { return steady_clock().now(); }

  TimerId call_at(TimePoint when, Callback callback) override {
    const bool earliest = state_->queue.empty() || when < state_->queue.next();
    const TimerId id = state_->queue.add(when, std::move(callback));
    if (earliest) arm(state_);
    return id;
  }

  // The Asio timer stays armed: waking up for nothing once is cheaper than arming it again. Not
  // after the last call, though: the loop shall be able to run out of work.
  void cancel(TimerId id) noexcept override {
    state_->queue.cancel(id);
    if (state_->queue.empty()) state_->timer.cancel();
  }

 private:
  // Held weakly by the armed wait, which may fire after the timers are gone.
  struct State {
    explicit State(const Executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    TimerQueue queue;
    std::uint64_t armed = 0;
  };

  static void arm(const std::shared_ptr<State>& state) {
    const std::uint64_t turn = ++state->armed;
    state->timer.expires_at(
        std::chrono::time_point_cast<std::chrono::steady_clock::duration>(state->queue.next()));
    state->timer.async_wait([weak = std::weak_ptr(state), turn](const boost::system::error_code&) {
      const auto alive = weak.lock();
      if (alive != nullptr && alive->armed == turn) fire(alive);
    });
  }

  static void fire(const std::shared_ptr<State>& state) {
    // `now` is taken once: a callback that adds a call due at once cannot keep the loop here.
    const TimePoint now = steady_clock().now();
    while (Callback due = state->queue.pop_due(now))
      due();
    if (!state->queue.empty()) arm(state);
  }

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Timers> make_asio_timers(Executor executor) {
  return std::make_unique<AsioTimers>(std::move(executor));
}

}  // namespace weft::fetcher
