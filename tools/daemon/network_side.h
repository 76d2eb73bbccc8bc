// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/exchange.h"
#include "fetcher/net/address.h"
#include "fetcher/net/io_thread.h"
#include "fetcher/peer/peer_server.h"
#include "fetcher/profile/profile_source.h"
#include "fetcher/service/fetcher.h"
#include "indexer/core/error.h"
#include "indexer/core/worker_pool.h"
#include "indexer/store/store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::tools {

struct NetworkOptions {
  std::optional<fetcher::Address> listen;  ///< nullopt: serve nobody
  bool insecure = false;                   ///< plain TCP beyond loopback
  std::string node_name;
  fetcher::ExchangeOptions exchange;
  fetcher::OwnLinkInfo own_link = {};
  /// Boot profiles for peers, and of peers. Null: neither. Outlives the network side.
  fetcher::ProfileKeeper* profiles = nullptr;
};

/// The part of a node that talks to peers: I/O thread, TCP, fetcher and peer server.
///
/// Lifecycle: `start` listens if asked to; `stop` (or the destructor) refuses new connections, ends
/// fetches with Errc::cancelled, waits for every task and ends the I/O thread. `store` and
/// `workers` outlive it, and `workers` must still run when it is stopped. Threads: any, but not the
/// I/O thread.
class NetworkSide {
 public:
  /// Errno of bind(2); Errc::not_permitted: a public address without `insecure`.
  [[nodiscard]] static Result<std::unique_ptr<NetworkSide>> start(Store& store, WorkerPool& workers,
                                                                  NetworkOptions options);
  ~NetworkSide();
  NetworkSide(const NetworkSide&) = delete;
  NetworkSide& operator=(const NetworkSide&) = delete;

  [[nodiscard]] fetcher::IoThread& io() noexcept;
  [[nodiscard]] fetcher::Fetcher& fetcher() noexcept;
  /// Where peers reach this node, with the real port; nullopt: it serves nobody.
  [[nodiscard]] std::optional<fetcher::Address> listening() const;
  [[nodiscard]] fetcher::PeerServerStats served();
  /// What the peers have, as they last said.
  [[nodiscard]] std::vector<fetcher::PeerHoldings> holdings();
  /// Makes sure that a signature of `image` is here. False: no peer gave one in time.
  [[nodiscard]] bool want_signature(const ImageId& image, Duration at_most);
  /// Measures the links of which nothing is known, by what helps to plan for `image`.
  void measure_links(const ImageId& image, Duration at_most);

  /// First step of stopping: no new connection from peers, those that are open are closed.
  void stop_serving();
  void stop();

 private:
  struct Impl;
  explicit NetworkSide(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::tools
