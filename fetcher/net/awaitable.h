// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace weft::fetcher {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// Where coroutines and handlers run: the I/O thread, in the node.
using Executor = boost::asio::any_io_executor;

}  // namespace weft::fetcher
