// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/peer/connect.h"
#include "fetcher/peer/peer_server.h"
#include "fetcher/wire/batch.h"
#include "tests/support/fetcher/memory_store.h"
#include "tests/support/fetcher/sim_world.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::fetcher::testing {

/// What has come back of one blocks request.
struct Collected {
  std::map<BlockIndex, std::vector<std::byte>> blocks;
  std::vector<BlockIndex> zero;
  std::vector<BlockIndex> absent;
  std::size_t batches = 0;
  std::size_t ends = 0;  ///< must become 1 and stay so
  std::optional<Error> error;
  TimePoint ended{};

  /// A handler that fills this. `this` outlives the request.
  [[nodiscard]] PeerSession::OnBatch handler(const Clock& clock);
};

/// One server and its clients on a simulated network.
class PeerPair {
 public:
  explicit PeerPair(ConnectionFaults faults = {});
  ~PeerPair();

  /// Runs `body` with a connected session; stops everything afterwards.
  void run(std::function<Awaitable<void>(PeerSession&)> body);
  /// Runs `body` with the server alone.
  void run_server(std::function<Awaitable<void>()> body);

  [[nodiscard]] PeerContext context();
  /// Waits until `collected` has ended.
  [[nodiscard]] Awaitable<void> ended(const Collected& collected);
  [[nodiscard]] TimePoint in(Duration span) { return world.timers().now() + span; }

  SimWorld world;
  MemoryStore store;
  Address address{.host = "server", .port = 7440};
  PeerServerOptions server_options;
  PeerOptions client_options;
  ProfileKeeper* profiles = nullptr;  ///< of the server
  std::unique_ptr<PeerServer> server;

 private:
  [[nodiscard]] Awaitable<void> with_session(
      const std::function<Awaitable<void>(PeerSession&)>& body);
  [[nodiscard]] Awaitable<void> stop();
};

[[nodiscard]] wire::Hello hello(std::string name);

}  // namespace weft::fetcher::testing
