// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/signal.h"

#include "indexer/core/assert.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weft::fetcher {
namespace {

constexpr auto token = boost::asio::use_awaitable;

// A handler as a function that resumes its coroutine from the loop.
template <class Handler>
auto resumer(Handler handler) {
  auto executor = boost::asio::get_associated_executor(handler);
  return [executor, h = std::move(handler)](bool notified) mutable {
    boost::asio::post(executor,
                      [notified, h2 = std::move(h)]() mutable { std::move(h2)(notified); });
  };
}

}  // namespace

Signal::~Signal() {
  WEFT_ASSERT(waiters_.empty(), "a signal is destroyed while a coroutine waits on it");
}

Awaitable<void> Signal::wait() {
  co_await boost::asio::async_initiate<decltype(token), void(bool)>(
      [this](auto handler) {
        waiters_.push_back(std::make_shared<Waiter>(resumer(std::move(handler))));
      },
      token);
}

Awaitable<bool> Signal::wait_until(Timers& timers, TimePoint deadline) {
  if (timers.now() >= deadline) co_return false;
  TimerId timer{};
  const bool notified = co_await boost::asio::async_initiate<decltype(token), void(bool)>(
      [this, &timers, &timer, deadline](auto handler) {
        auto waiter = std::make_shared<Waiter>(resumer(std::move(handler)));
        waiters_.push_back(waiter);
        timer = timers.call_at(deadline, [this, waiter] {
          // Empty: notified a moment ago, and this signal may be gone.
          if (!*waiter) return;
          waiters_.remove(waiter);
          std::exchange(*waiter, {})(false);
        });
      },
      token);
  timers.cancel(timer);
  co_return notified;
}

void Signal::notify_all() {
  for (const std::shared_ptr<Waiter>& waiter : std::exchange(waiters_, {})) {
    std::exchange(*waiter, {})(true);
  }
}

Awaitable<void> sleep_until(Timers& timers, TimePoint when) {
  Signal never;
  co_await never.wait_until(timers, when);
}

}  // namespace weft::fetcher
