// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/network.h"

#include <chrono>
#include <cstddef>
#include <memory>

namespace weft::fetcher {

struct TcpOptions {
  /// Plain TCP authenticates nobody: without this, only loopback addresses are dialled, bound and
  /// accepted (Errc::not_permitted).
  bool allow_plain = false;
  /// Bytes the kernel takes beyond what is in flight. Small, so that a demand answer does not queue
  /// behind prefetch that the sender can no longer take back. Measured on a link of 100 Mbit/s full
  /// of prefetch, median time to one block: 19 ms with 16 KiB, 30 ms with 64 or 128 KiB, 52 ms with
  /// 512 KiB, 105 ms without a limit; 11.8 MB/s with each.
  std::size_t unsent_limit = 32 * 1024;
  /// Unacknowledged for this long: the connection is dead (TCP_USER_TIMEOUT).
  std::chrono::milliseconds user_timeout{20'000};
  int backlog = 128;
};

/// Plain TCP: TCP_NODELAY, keepalive, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT.
[[nodiscard]] std::unique_ptr<Network> make_tcp_network(Executor executor, TcpOptions options = {});

}  // namespace weft::fetcher
