// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/address.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/net/stream.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <memory>

namespace weft::fetcher {

/// Accepts connections. I/O thread only; outlived by its Network.
class Listener {
 public:
  virtual ~Listener() = default;
  /// One accept at a time. Errc::cancelled after `close`; other errors are passing trouble (too
  /// many open files): wait a little and go on.
  [[nodiscard]] virtual Awaitable<Result<std::unique_ptr<Stream>>> accept() = 0;
  /// The address bound, with the real port.
  [[nodiscard]] virtual Address local() const = 0;
  virtual void close() noexcept = 0;
};

/// Where streams come from: TCP in the node, pipes with scripted faults in tests.
class Network {
 public:
  virtual ~Network() = default;
  /// Resolves the name, connects, and authenticates where the transport does.
  /// Errc::peer_unreachable with the reason, deadline_passed.
  [[nodiscard]] virtual Awaitable<Result<std::unique_ptr<Stream>>> dial(Address address,
                                                                        TimePoint deadline) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Address& address) = 0;
};

}  // namespace weft::fetcher
