// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "indexer/core/error.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <utility>

namespace weft::tools {

/// Runs a coroutine on `executor` and waits for it: the bridge from a thread that may block to the
/// I/O thread. The coroutine brings its own deadline. Errc::cancelled: the I/O thread has stopped.
template <class T>
[[nodiscard]] Result<T> await_result(const fetcher::Executor& executor,
                                     fetcher::Awaitable<Result<T>> coroutine) {
  auto future = boost::asio::co_spawn(executor, std::move(coroutine), boost::asio::use_future);
  try {
    return future.get();
  } catch (const std::future_error&) {
    return fail(Errc::cancelled, Operation::control, "the node is shutting down");
  }
}

}  // namespace weft::tools
