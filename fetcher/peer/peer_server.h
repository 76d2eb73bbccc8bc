// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_monitor.h"
#include "fetcher/net/network.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/store/store.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::fetcher {

class ProfileKeeper;
class SwarmBook;

struct PeerServerOptions {
  wire::Hello hello;  ///< ours
  Address listen;
  std::size_t max_connections = 256;
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(60);   ///< without a byte from the peer
  Duration write_timeout = std::chrono::seconds(60);  ///< for a frame that the peer does not read
  Duration residency_poll = std::chrono::milliseconds(500);
  /// Per connection, of requests not yet answered. Above it nothing more is read from the peer.
  std::size_t request_bytes = 8u << 20;
  /// Per connection, of answers ready to send, apart from block batches, which are made one by one.
  std::size_t answer_bytes = 2u << 20;
};

struct PeerServerStats {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< too many
  std::size_t connections = 0;            ///< now
  std::uint64_t protocol_errors = 0;  ///< connections closed because the peer broke the protocol
  std::uint64_t requests = 0;
  std::uint64_t batches = 0;
  std::uint64_t blocks_sent = 0;  ///< data blocks; zero blocks are named, not sent
  std::uint64_t blocks_zero = 0;
  std::uint64_t blocks_absent = 0;
  std::uint64_t bytes_received = 0;                  ///< on the wire, headers included
  std::uint64_t bytes_sent = 0;                      ///< the same
  std::array<std::uint64_t, 4> bytes_by_priority{};  ///< of bytes_sent, by wire::Priority
};

/// What the server uses. All of it outlives the server.
struct PeerServerContext {
  Network& network;
  Timers& timers;
  Offload& offload;
  Store& store;
  Executor executor;
  LinkMonitor* links = nullptr;  ///< is told how fast peers take what they ask for; may be null
  SwarmBook* swarms = nullptr;   ///< null: it answers no swarm requests
  ProfileKeeper* profiles = nullptr;  ///< null: it answers no profile requests
};

/// Serves what the local store holds, complete or not, to any number of peers.
///
/// Lifecycle: `start` listens and returns; `stop` closes every connection and returns when nothing
/// of the server runs any more; it must have been awaited before destruction if `start` succeeded.
/// I/O thread only.
class PeerServer {
 public:
  PeerServer(PeerServerContext context, PeerServerOptions options);
  ~PeerServer();
  PeerServer(const PeerServer&) = delete;
  PeerServer& operator=(const PeerServer&) = delete;

  /// Errno of bind(2), Errc::not_permitted (plain text on a public address).
  [[nodiscard]] Result<void> start();
  [[nodiscard]] Awaitable<void> stop();
  /// The address bound, with the real port. Only after `start`.
  [[nodiscard]] Address local() const;
  [[nodiscard]] PeerServerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::fetcher
