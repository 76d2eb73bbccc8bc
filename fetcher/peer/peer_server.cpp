// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/peer_server.h"

#include "fetcher/net/signal.h"
#include "fetcher/peer/log_limiter.h"
#include "fetcher/peer/server_connection.h"
#include "fetcher/swarm/swarm_book.h"
#include "indexer/core/assert.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <set>
#include <utility>

namespace weft::fetcher {
namespace {

// After a passing failure of accept, such as too many open files.
constexpr Duration accept_pause = std::chrono::milliseconds(100);

}  // namespace

struct PeerServer::Impl {
  Impl(PeerServerContext context, PeerServerOptions options)
      : shared{context,
               std::move(options),
               TaskGroup(context.executor),
               {},
               std::make_shared<MemoryBudget>(pack_memory)} {}

  Awaitable<void> accept_peers() {
    while (!stopping) {
      auto stream = co_await listener->accept();
      if (stopping) break;
      if (stream) {
        admit(std::move(*stream));
        continue;
      }
      log_event("accept failed: " + stream.error().message());
      const TimePoint again = shared.context.timers.now() + accept_pause;
      co_await stop_requested.wait_until(shared.context.timers, again);
    }
  }

  void admit(std::unique_ptr<Stream> stream) {
    ++shared.stats.connections_accepted;
    if (connections.size() >= shared.options.max_connections) {
      ++shared.stats.connections_refused;
      log_event("peer " + stream->remote() + " turned away: " + std::to_string(connections.size()) +
                " connections are open");
      return;
    }
    const auto connection = std::make_shared<ServerConnection>(shared, std::move(stream));
    connections.insert(connection.get());
    shared.tasks.spawn("peer connection", serve(connection));
  }

  Awaitable<void> serve(std::shared_ptr<ServerConnection> connection) {
    spdlog::debug("peer {} connected", connection->remote());
    co_await connection->run();
    connections.erase(connection.get());
    spdlog::debug("peer {} disconnected", connection->remote());
    if (!connection->error()) co_return;
    ++shared.stats.protocol_errors;
    log_event("peer " + connection->remote() + " closed: " + connection->error()->message());
  }

  // Peers cause these: a flood of them is one line and a number.
  void log_event(const std::string& event) {
    const auto held_back = limiter.admit(shared.context.timers.now());
    if (!held_back) {
      spdlog::debug("{}", event);
    } else if (*held_back == 0) {
      spdlog::info("{}", event);
    } else {
      spdlog::info("{} ({} more like this before)", event, *held_back);
    }
  }

  ServerShared shared;
  std::unique_ptr<Listener> listener;
  std::set<ServerConnection*> connections;
  LogLimiter limiter;
  Signal stop_requested;
  bool stopping = false;
};

PeerServer::PeerServer(PeerServerContext context, PeerServerOptions options)
    : impl_(std::make_unique<Impl>(context, std::move(options))) {}

PeerServer::~PeerServer() = default;

Result<void> PeerServer::start() {
  WEFT_TRY(impl_->listener, impl_->shared.context.network.listen(impl_->shared.options.listen));
  impl_->shared.tasks.spawn("peer listener", impl_->accept_peers());
  if (auto* swarms = impl_->shared.context.swarms) swarms->serve_at(local().port);
  return {};
}

Awaitable<void> PeerServer::stop() {
  impl_->stopping = true;
  if (auto* swarms = impl_->shared.context.swarms) swarms->serve_at(0);
  impl_->stop_requested.notify_all();
  if (impl_->listener != nullptr) impl_->listener->close();
  for (ServerConnection* connection : impl_->connections)
    connection->close();
  co_await impl_->shared.tasks.stop();
}

Address PeerServer::local() const {
  WEFT_ASSERT(impl_->listener != nullptr, "the server has not been started");
  return impl_->listener->local();
}

PeerServerStats PeerServer::stats() const {
  PeerServerStats stats = impl_->shared.stats;
  stats.connections = impl_->connections.size();
  return stats;
}

}  // namespace weft::fetcher
