// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/faulty_network.h"

#include "fetcher/net/signal.h"
#include "tests/support/fetcher/faulty_pipe.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>
#include <utility>

namespace weft::fetcher::testing {
namespace {

/// Both directions; shared by the two ends.
struct Connection {
  Connection(Timers& timers, const ConnectionFaults& faults)
      : to_server(timers, faults.to_server), to_client(timers, faults.to_client) {
    to_server.on_reset([this] { to_client.reset(); });
    to_client.on_reset([this] { to_server.reset(); });
  }
  FaultyPipe to_server;
  FaultyPipe to_client;
};

class FaultyStream final : public Stream {
 public:
  FaultyStream(std::shared_ptr<Connection> connection, bool client, std::string remote)
      : connection_(std::move(connection)),
        in_(client ? connection_->to_client : connection_->to_server),
        out_(client ? connection_->to_server : connection_->to_client),
        remote_(std::move(remote)) {}
  ~FaultyStream() override { FaultyStream::close(); }

  Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
    return in_.read_some(into);
  }
  Awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
    return out_.write(bytes);
  }
  void shutdown_write() noexcept override { out_.end(); }
  void close() noexcept override {
    in_.close_reader();
    out_.close_writer();
  }
  [[nodiscard]] std::string remote() const override { return remote_; }

 private:
  std::shared_ptr<Connection> connection_;
  FaultyPipe& in_;
  FaultyPipe& out_;
  const std::string remote_;
};

/// What is known of an address. Kept for good, so that signals outlive their waiters.
struct Endpoint {
  std::optional<ConnectionFaults> faults;
  bool listening = false;
  bool dead = false;
  std::deque<std::unique_ptr<Stream>> waiting;
  Signal arrived;
  std::vector<std::shared_ptr<Connection>> connections;
  std::size_t dials = 0;
};

class FaultyListener final : public Listener {
 public:
  FaultyListener(std::shared_ptr<Endpoint> endpoint, Address address)
      : endpoint_(std::move(endpoint)), address_(std::move(address)) {}
  ~FaultyListener() override { FaultyListener::close(); }

  Awaitable<Result<std::unique_ptr<Stream>>> accept() override {
    while (endpoint_->listening && endpoint_->waiting.empty())
      co_await endpoint_->arrived.wait();
    if (!endpoint_->listening) co_return fail(Errc::cancelled, Operation::accept);
    auto stream = std::move(endpoint_->waiting.front());
    endpoint_->waiting.pop_front();
    co_return stream;
  }
  [[nodiscard]] Address local() const override { return address_; }
  void close() noexcept override {
    endpoint_->listening = false;
    endpoint_->waiting.clear();
    endpoint_->arrived.notify_all();
  }

 private:
  std::shared_ptr<Endpoint> endpoint_;
  const Address address_;
};

}  // namespace

struct FaultyNetwork::Impl {
  explicit Impl(Timers& t) : timers(t) {}

  std::shared_ptr<Endpoint>& at(const Address& address) {
    auto& endpoint = endpoints[to_string(address)];
    if (endpoint == nullptr) endpoint = std::make_shared<Endpoint>();
    return endpoint;
  }

  Timers& timers;
  ConnectionFaults defaults;
  std::map<std::string, std::shared_ptr<Endpoint>> endpoints;
  std::uint16_t next_port = 50'000;
};

FaultyNetwork::FaultyNetwork(Timers& timers) : impl_(std::make_shared<Impl>(timers)) {}
FaultyNetwork::~FaultyNetwork() = default;

void FaultyNetwork::set_faults(const Address& address, ConnectionFaults faults) {
  impl_->at(address)->faults = std::move(faults);
}

void FaultyNetwork::set_default_faults(ConnectionFaults faults) {
  impl_->defaults = std::move(faults);
}

void FaultyNetwork::kill(const Address& address) {
  const auto endpoint = impl_->at(address);
  endpoint->dead = true;
  for (const auto& connection : endpoint->connections)
    connection->to_client.reset();
}

void FaultyNetwork::revive(const Address& address) {
  impl_->at(address)->dead = false;
}

void FaultyNetwork::freeze(const Address& address) {
  for (const auto& connection : impl_->at(address)->connections) {
    connection->to_client.freeze();
    connection->to_server.freeze();
  }
}

FaultyNetwork::Traffic FaultyNetwork::traffic(const Address& address) const {
  const auto endpoint = impl_->at(address);
  Traffic traffic{.dials = endpoint->dials};
  for (const auto& connection : endpoint->connections) {
    traffic.to_server += connection->to_server.written();
    traffic.to_client += connection->to_client.written();
  }
  return traffic;
}

Awaitable<Result<std::unique_ptr<Stream>>> FaultyNetwork::dial(Address address,
                                                               TimePoint deadline) {
  const auto impl = impl_;
  const auto endpoint = impl->at(address);
  ++endpoint->dials;
  const ConnectionFaults faults = endpoint->faults.value_or(impl->defaults);
  const TimePoint answered =
      impl->timers.now() + faults.to_server.latency + faults.to_client.latency;
  if (faults.black_hole || answered > deadline) {
    co_await sleep_until(impl->timers, deadline);
    co_return fail(Errc::deadline_passed, Operation::connect,
                   to_string(address) + " does not answer");
  }
  co_await sleep_until(impl->timers, answered);
  if (faults.refuse || endpoint->dead || !endpoint->listening) {
    co_return fail(Errc::peer_unreachable, Operation::connect,
                   to_string(address) + ": connection refused");
  }
  auto connection = std::make_shared<Connection>(impl->timers, faults);
  endpoint->connections.push_back(connection);
  endpoint->waiting.push_back(std::make_unique<FaultyStream>(connection, false, "client"));
  endpoint->arrived.notify_all();
  co_return std::make_unique<FaultyStream>(connection, true, to_string(address));
}

Result<std::unique_ptr<Listener>> FaultyNetwork::listen(const Address& address) {
  Address bound = address;
  if (bound.port == 0) bound.port = impl_->next_port++;
  const auto endpoint = impl_->at(bound);
  if (endpoint->listening) return fail_errno(EADDRINUSE, Operation::open, to_string(bound));
  endpoint->listening = true;
  return std::make_unique<FaultyListener>(endpoint, bound);
}

}  // namespace weft::fetcher::testing
