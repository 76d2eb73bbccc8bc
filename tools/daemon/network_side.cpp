// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/network_side.h"

#include "fetcher/net/offload.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/tcp_network.h"
#include "fetcher/peer/connect.h"
#include "fetcher/service/link_keeper.h"
#include "fetcher/service/relative_trees.h"
#include "fetcher/swarm/swarm_book.h"
#include "fetcher/wire/frame.h"

#include <chrono>
#include <random>
#include <utility>

namespace weft::tools {
namespace {

using fetcher::Awaitable;

Awaitable<Result<std::shared_ptr<fetcher::PeerSession>>> dial(fetcher::PeerContext context,
                                                              fetcher::PeerOptions options,
                                                              std::string address,
                                                              TimePoint deadline) {
  WEFT_CO_TRY(auto parsed, fetcher::parse_address(address));
  auto session =
      co_await fetcher::connect_peer(context, std::move(parsed), std::move(options), deadline);
  if (!session) co_return std::unexpected(std::move(session).error());
  co_return std::shared_ptr<fetcher::PeerSession>(std::move(*session));
}

fetcher::wire::Hello hello_of(const Store& store, const NetworkOptions& options) {
  fetcher::wire::Hello hello;
  hello.features = fetcher::wire::supported_features;
  hello.node = store.node_id();
  hello.name = options.node_name.substr(0, fetcher::wire::max_name);
  return hello;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct NetworkSide::Impl {
  Impl(Store& store, WorkerPool& workers, const NetworkOptions& options)
      : io("weft-io"),
        network(fetcher::make_tcp_network(io.executor(), {.allow_plain = options.insecure})),
        offload(fetcher::make_pool_offload(workers, io.timers())),
        tasks(io.executor()) {
    const auto hello = hello_of(store, options);
    const fetcher::PeerContext context{*network, io.timers(), tasks};
    fetcher::Fetcher::Connect connect = [context, hello](std::string address, TimePoint deadline) {
      fetcher::PeerOptions peer;
      peer.hello = hello;
      peer.await_hello = false;  // a search travels with our greeting
      return dial(context, std::move(peer), std::move(address), deadline);
    };
    exchange = std::make_unique<fetcher::Exchange>(io.executor(), io.timers(), *offload, store,
                                                   options.exchange);
    fetcher::LinkKeeper::Options keep;
    keep.unix_time = unix_time;
    links = std::make_unique<fetcher::LinkKeeper>(io.executor(), io.timers(), *offload, store,
                                                  std::move(keep));
    fetcher::FetcherOptions fetch;
    fetch.exchange = exchange.get();
    fetch.links = &links->monitor();
    fetch.own_link = options.own_link;
    fetch.node = store.node_id();
    fetch.random_seed = random_seed();
    fetch.swarms = &swarms;
    fetch.profiles = options.profiles;
    fetch.relatives = std::make_shared<fetcher::RelativeTrees>(store);
    fetcher = std::make_unique<fetcher::Fetcher>(io.executor(), io.timers(), *offload,
                                                 std::move(connect), fetch);
    if (!options.listen) return;
    fetcher::PeerServerOptions serve;
    serve.hello = hello;
    serve.listen = *options.listen;
    server = std::make_unique<fetcher::PeerServer>(
        fetcher::PeerServerContext{*network, io.timers(), *offload, store, io.executor(),
                                   &links->monitor(), &swarms, options.profiles},
        serve);
  }

  // Destroyed in reverse: everything below lives on the I/O thread's loop.
  fetcher::IoThread io;
  std::unique_ptr<fetcher::Network> network;
  std::unique_ptr<fetcher::Offload> offload;
  fetcher::TaskGroup tasks;
  fetcher::SwarmBook swarms{random_seed()};
  std::unique_ptr<fetcher::Exchange> exchange;
  std::unique_ptr<fetcher::LinkKeeper> links;
  std::unique_ptr<fetcher::Fetcher> fetcher;
  std::unique_ptr<fetcher::PeerServer> server;
  bool serving = false;
  bool stopped = false;
};

NetworkSide::NetworkSide(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkSide::~NetworkSide() {
  stop();
}

namespace {

Awaitable<void> start_server(fetcher::PeerServer* server, Result<void>* outcome) {
  *outcome = server->start();
  co_return;
}
Awaitable<void> stop_server(fetcher::PeerServer* server) {
  co_await server->stop();
}
Awaitable<void> stop_exchange(fetcher::Exchange* exchange) {
  co_await exchange->stop();
}
Awaitable<void> start_links(fetcher::LinkKeeper* links) {
  links->start();
  co_return;
}
Awaitable<void> stop_links(fetcher::LinkKeeper* links) {
  co_await links->stop();
}
Awaitable<void> read_holdings(const fetcher::Exchange* exchange,
                              std::vector<fetcher::PeerHoldings>* out) {
  *out = exchange->holdings();
  co_return;
}
Awaitable<void> ask_signature(fetcher::Exchange* exchange, ImageId image, TimePoint deadline,
                              bool* out) {
  *out = co_await exchange->want(image, deadline);
}
Awaitable<void> measure(fetcher::Exchange* exchange, ImageId image, TimePoint deadline) {
  co_await exchange->measure(image, deadline);
}
Awaitable<void> stop_tasks(fetcher::TaskGroup* tasks) {
  co_await tasks->stop();
}
Awaitable<void> read_stats(const fetcher::PeerServer* server, fetcher::PeerServerStats* out) {
  *out = server->stats();
  co_return;
}
Awaitable<void> read_local(const fetcher::PeerServer* server, fetcher::Address* out) {
  *out = server->local();
  co_return;
}

}  // namespace

Result<std::unique_ptr<NetworkSide>> NetworkSide::start(Store& store, WorkerPool& workers,
                                                        NetworkOptions options) {
  std::unique_ptr<NetworkSide> side(
      new NetworkSide(std::make_unique<Impl>(store, workers, options)));
  auto& impl = *side->impl_;
  WEFT_TRY(const auto links, store.links());
  impl.links->load(links);
  impl.io.run([&] { return start_links(impl.links.get()); });
  if (!impl.server) return side;
  Result<void> outcome;
  impl.io.run([&] { return start_server(impl.server.get(), &outcome); });
  if (!outcome) return std::unexpected(std::move(outcome).error());
  impl.serving = true;
  return side;
}

fetcher::IoThread& NetworkSide::io() noexcept {
  return impl_->io;
}
fetcher::Fetcher& NetworkSide::fetcher() noexcept {
  return *impl_->fetcher;
}

std::optional<fetcher::Address> NetworkSide::listening() const {
  if (!impl_->serving) return std::nullopt;
  fetcher::Address address;
  impl_->io.run([&] { return read_local(impl_->server.get(), &address); });
  return address;
}

fetcher::PeerServerStats NetworkSide::served() {
  fetcher::PeerServerStats stats;
  if (impl_->serving) impl_->io.run([&] { return read_stats(impl_->server.get(), &stats); });
  return stats;
}

std::vector<fetcher::PeerHoldings> NetworkSide::holdings() {
  std::vector<fetcher::PeerHoldings> holdings;
  impl_->io.run([&] { return read_holdings(impl_->exchange.get(), &holdings); });
  return holdings;
}

bool NetworkSide::want_signature(const ImageId& image, Duration at_most) {
  bool here = false;
  const TimePoint deadline = impl_->io.timers().now() + at_most;
  impl_->io.run([&] { return ask_signature(impl_->exchange.get(), image, deadline, &here); });
  return here;
}

void NetworkSide::measure_links(const ImageId& image, Duration at_most) {
  const TimePoint deadline = impl_->io.timers().now() + at_most;
  impl_->io.run([&] { return measure(impl_->exchange.get(), image, deadline); });
}

void NetworkSide::stop_serving() {
  if (!std::exchange(impl_->serving, false)) return;
  impl_->io.run([&] { return stop_server(impl_->server.get()); });
}

void NetworkSide::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  stop_serving();
  impl_->fetcher->stop();
  impl_->io.run([&] { return stop_exchange(impl_->exchange.get()); });
  impl_->io.run([&] { return stop_links(impl_->links.get()); });
  impl_->io.run([&] { return stop_tasks(&impl_->tasks); });
  impl_->io.stop();
}

}  // namespace weft::tools
