// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "tests/support/tools/link_model.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <poll.h>

namespace weft::testing {

/// Sees all bytes in the order they leave the relay: number of the connection, from 1; direction.
/// Called by the thread in `step`.
using RelayTap =
    std::function<void(std::uint64_t connection, bool to_target, std::span<const std::byte> bytes)>;

struct RelayOptions {
  std::string listen;  ///< ADDRESS:PORT; port 0 = any free one
  std::string target;  ///< ADDRESS:PORT
  std::chrono::nanoseconds round_trip{0};
  std::uint64_t bits_per_second = 0;  ///< each way, frames included; 0 = not limited
  RelayTap tap{};
  bool damage = false;  ///< one bit of every 64 KiB to clients is flipped
};

struct RelayCounts {
  std::uint64_t connections = 0;
  std::uint64_t to_target = 0;  ///< bytes of TCP payload
  std::uint64_t to_client = 0;
};

/// A TCP relay that makes a fast path look like a long one: what a client sends comes out at the
/// target half a round trip later and the same backwards, at full throughput. For kernels without
/// `netem`. The round trip of the TCP handshake is not reproduced: a client is connected at once.
///
/// With a rate, little is buffered outside of the modelled link, so that what a sender sends last
/// waits at most `LinkModel::max_backlog` behind what it sent before.
///
/// One thread: call `step` in a loop. Commands take effect at once.
class Relay {
 public:
  /// Opens the listening socket. Errors: errno of socket calls, Errc::bad_config.
  [[nodiscard]] static Result<Relay> open(const RelayOptions& options);
  Relay(Relay&&) noexcept;
  Relay& operator=(Relay&&) noexcept;
  ~Relay();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const RelayCounts& counts() const { return counts_; }

  /// "pause": the link freezes, nothing is lost; "resume"; "reset": all connections are reset;
  /// "down": reset, and new ones are refused until "up"; "damage" and "repair": of what passes from
  /// now on. False for any other word.
  [[nodiscard]] bool command(std::string_view word);

  /// Waits for work at most `limit`, or until one of the caller's `wake` descriptors is readable
  /// (-1: none), and does it. Tells which of them are.
  std::array<bool, 2> step(std::chrono::nanoseconds limit, std::array<int, 2> wake);

 private:
  class Connection;
  Relay(const RelayOptions& options, UniqueFd listener, std::uint16_t port);
  void accept_one(LinkTime now);
  void reset_all();

  RelayOptions options_;
  UniqueFd listener_;
  std::uint16_t port_;
  LinkModel forward_;
  LinkModel backward_;
  RelayCounts counts_;
  bool paused_ = false;
  bool down_ = false;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace weft::testing
