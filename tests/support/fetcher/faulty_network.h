// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/network.h"
#include "fetcher/net/timers.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

/// A network of in-memory pipes whose links and faults are data.
namespace weft::fetcher::testing {

/// One direction of a connection. Byte positions count from the start of the connection.
struct LinkFaults {
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  Duration latency{};                       ///< one way
  std::uint64_t bytes_per_second = 0;       ///< 0: unlimited
  std::size_t buffer = 256 * 1024;          ///< written and not yet read; then `write` waits
  std::size_t max_read = 1u << 30;          ///< bytes one read returns at most: 1 = every boundary
  std::uint64_t reset_after = never;        ///< both ends lose the connection after that many bytes
  std::uint64_t stall_after = never;        ///< later bytes never arrive, and nobody is told
  std::uint64_t end_after = never;          ///< the reader sees the end; later bytes are dropped
  std::vector<std::uint64_t> corrupt = {};  ///< these bytes arrive inverted
};

struct ConnectionFaults {
  LinkFaults to_server = {};
  LinkFaults to_client = {};
  bool refuse = false;      ///< dial fails at once
  bool black_hole = false;  ///< dial answers nothing until its deadline
};

/// `dial` takes one round trip of the latencies given. Addresses are compared as text; nothing is
/// resolved. I/O thread only. Streams and listeners must not outlive it.
class FaultyNetwork final : public Network {
 public:
  explicit FaultyNetwork(Timers& timers);
  ~FaultyNetwork() override;

  /// For connections dialled to `address` from now on, instead of the default.
  void set_faults(const Address& address, ConnectionFaults faults);
  void set_default_faults(ConnectionFaults faults);
  /// The node at `address` dies without a word: live connections are reset, and dials are refused
  /// until `revive`.
  void kill(const Address& address);
  void revive(const Address& address);
  /// Live connections to `address` go silent in both directions.
  void freeze(const Address& address);

  /// Bytes written so far, by all connections to `address`.
  struct Traffic {
    std::uint64_t to_server = 0;
    std::uint64_t to_client = 0;
    std::size_t dials = 0;
  };
  [[nodiscard]] Traffic traffic(const Address& address) const;

  Awaitable<Result<std::unique_ptr<Stream>>> dial(Address address, TimePoint deadline) override;
  Result<std::unique_ptr<Listener>> listen(const Address& address) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace weft::fetcher::testing
