// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/io_thread.h"

#include "indexer/core/assert.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <thread>
#include <utility>

#include <pthread.h>

namespace weft::fetcher {

struct IoThread::Impl {
  boost::asio::io_context context{1};
  std::unique_ptr<Timers> timers = make_asio_timers(context.get_executor());
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  // Handlers do not throw; one that does ends the process here rather than leaving it half alive.
  std::thread thread{[this]() noexcept { context.run(); }};
};

IoThread::IoThread(std::string name) : impl_(std::make_unique<Impl>()) {
  pthread_setname_np(impl_->thread.native_handle(), name.substr(0, 15).c_str());
}

IoThread::~IoThread() {
  stop();
}

Executor IoThread::executor() const {
  return impl_->context.get_executor();
}

Timers& IoThread::timers() const {
  return *impl_->timers;
}

void IoThread::post(std::move_only_function<void()> function) {
  boost::asio::post(impl_->context, std::move(function));
}

void IoThread::run(std::move_only_function<Awaitable<void>()> make) {
  WEFT_ASSERT(!is_current(), "the I/O thread would wait for itself");
  std::promise<void> ended;
  post([this, &make, &ended] {
    boost::asio::co_spawn(impl_->context, make(), [&ended](const std::exception_ptr& error) {
      if (error != nullptr) {
        ended.set_exception(error);
      } else {
        ended.set_value();
      }
    });
  });
  ended.get_future().get();
}

bool IoThread::is_current() const noexcept {
  return impl_->thread.get_id() == std::this_thread::get_id();
}

void IoThread::stop() {
  WEFT_ASSERT(!is_current(), "the I/O thread would wait for itself");
  if (!impl_->thread.joinable()) return;
  impl_->work.reset();
  impl_->thread.join();
}

}  // namespace weft::fetcher
