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
  /// Bytes the kernel holds that are not yet on the wire. Small, so that a demand answer does not
  /// queue behind prefetch that the sender can no longer take back.
  std::size_t unsent_limit = 128 * 1024;
  /// Unacknowledged for this long: the connection is dead (TCP_USER_TIMEOUT).
  std::chrono::milliseconds user_timeout{20'000};
  int backlog = 128;
};

/// Plain TCP: TCP_NODELAY, keepalive, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT.
[[nodiscard]] std::unique_ptr<Network> make_tcp_network(Executor executor, TcpOptions options = {});

}  // namespace weft::fetcher
