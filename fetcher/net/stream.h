// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <span>
#include <string>

namespace weft::fetcher {

/// A reliable, ordered stream of bytes to one peer. What it is made of (TCP, TLS, a pipe in a test)
/// is known to its Network alone.
///
/// I/O thread only. At most one read and one write at a time; they may overlap. No call carries a
/// deadline: whoever gives up calls `close`, and every pending call returns Errc::cancelled.
/// Not destroyed while a call is pending.
class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one byte; 0: the peer has ended its direction. `into` stays valid until it returns.
  /// Errc::peer_unreachable: the connection is lost.
  [[nodiscard]] virtual Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) = 0;
  /// All of `bytes`, which stay valid until it returns. Waits while the peer does not read.
  [[nodiscard]] virtual Awaitable<Result<void>> write(std::span<const std::byte> bytes) = 0;
  /// Ends our direction once everything written is on its way.
  virtual void shutdown_write() noexcept = 0;
  virtual void close() noexcept = 0;
  /// For people: "10.0.0.7:7440".
  [[nodiscard]] virtual std::string remote() const = 0;
};

}  // namespace weft::fetcher
