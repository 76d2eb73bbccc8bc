// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/tcp_network.h"

#include "fetcher/net/signal.h"
#include "fetcher/net/tcp_stream.h"
#include "fetcher/net/timers.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace weft::fetcher {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
constexpr auto as_values = boost::asio::as_tuple(boost::asio::use_awaitable);

std::unexpected<Error> plain_refused(Operation operation, const tcp::endpoint& endpoint) {
  return fail(
      Errc::not_permitted, operation,
      to_string(address_of(endpoint)) +
          " is not a loopback address, and plain TCP protects nothing; --insecure allows it");
}

class TcpListener final : public Listener {
 public:
  TcpListener(tcp::acceptor acceptor, const TcpOptions& options)
      : acceptor_(std::move(acceptor)), options_(options) {}

  Awaitable<Result<std::unique_ptr<Stream>>> accept() override {
    auto [error, socket] = co_await acceptor_.async_accept(as_values);
    if (!acceptor_.is_open()) co_return fail(Errc::cancelled, Operation::accept);
    if (error) co_return fail_errno(error.value(), Operation::accept, to_string(local()));
    co_return std::make_unique<TcpStream>(std::move(socket), options_);
  }
  [[nodiscard]] Address local() const override {
    error_code ignored;
    return address_of(acceptor_.local_endpoint(ignored));
  }
  void close() noexcept override {
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  tcp::acceptor acceptor_;
  const TcpOptions options_;
};

class TcpNetwork final : public Network {
 public:
  TcpNetwork(Executor executor, TcpOptions options)
      : executor_(executor), options_(options), timers_(make_asio_timers(std::move(executor))) {}

  Awaitable<Result<std::unique_ptr<Stream>>> dial(Address address, TimePoint deadline) override {
    WEFT_CO_TRY(const auto endpoints, co_await resolve(address, deadline));
    Error last;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      // An address that swallows packets must leave time for those after it.
      const Duration left = deadline - timers_->now();
      const auto share = left / static_cast<Duration::rep>(endpoints.size() - i);
      auto stream = co_await connect(endpoints[i], timers_->now() + share);
      if (stream) co_return stream;
      last = std::move(stream).error();
    }
    co_return std::unexpected(std::move(last));
  }

  Result<std::unique_ptr<Listener>> listen(const Address& address) override {
    error_code error;
    auto ip = boost::asio::ip::make_address(address.host, error);
    if (error && address.host == "localhost") {
      ip = boost::asio::ip::address_v4::loopback();
    } else if (error) {
      return fail(Errc::bad_config, Operation::open,
                  "listen address '" + address.host + "' must be numeric, such as 0.0.0.0 or ::1");
    }
    const tcp::endpoint endpoint(ip, address.port);
    if (!options_.allow_plain && !ip.is_loopback()) {
      return plain_refused(Operation::open, endpoint);
    }
    tcp::acceptor acceptor(executor_);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(options_.backlog, error);
    if (!error) return std::make_unique<TcpListener>(std::move(acceptor), options_);
    return fail_errno(error.value(), Operation::open, "listen on " + to_string(address));
  }

 private:
  using Endpoints = std::vector<tcp::endpoint>;

  Awaitable<Result<Endpoints>> resolve(Address address, TimePoint deadline) {
    error_code error;
    const auto ip = boost::asio::ip::make_address(address.host, error);
    if (!error) co_return Endpoints{tcp::endpoint(ip, address.port)};

    // The system's resolver cannot be interrupted: when it outlasts the deadline its answer arrives
    // in this state, which nobody waits on any more.
    struct Lookup {
      explicit Lookup(const Executor& executor) : resolver(executor) {}
      tcp::resolver resolver;
      Signal done;
      std::optional<error_code> outcome;
      Endpoints endpoints;
    };
    const auto lookup = std::make_shared<Lookup>(executor_);
    lookup->resolver.async_resolve(
        address.host, std::to_string(address.port),
        [lookup](const error_code& e, const tcp::resolver::results_type& results) {
          for (const auto& entry : results)
            lookup->endpoints.push_back(entry.endpoint());
          lookup->outcome = e;
          lookup->done.notify_all();
        });
    bool in_time = true;
    while (!lookup->outcome && in_time) {
      in_time = co_await lookup->done.wait_until(*timers_, deadline);
    }
    if (!lookup->outcome) {
      co_return fail(Errc::deadline_passed, Operation::connect,
                     "the name " + address.host + " was not resolved in time");
    }
    if (*lookup->outcome || lookup->endpoints.empty()) {
      co_return fail(Errc::peer_unreachable, Operation::connect,
                     address.host + ": " + lookup->outcome->message());
    }
    co_return std::move(lookup->endpoints);
  }

  Awaitable<Result<std::unique_ptr<Stream>>> connect(tcp::endpoint endpoint, TimePoint deadline) {
    if (!options_.allow_plain && !endpoint.address().is_loopback()) {
      co_return plain_refused(Operation::connect, endpoint);
    }
    tcp::socket socket(executor_);
    bool late = false;
    const Deadline watchdog(*timers_, deadline, [&socket, &late] {
      late = true;
      error_code ignored;
      socket.close(ignored);
    });
    const auto [error] = co_await socket.async_connect(endpoint, as_values);
    const std::string peer = to_string(address_of(endpoint));
    if (late) {
      co_return fail(Errc::deadline_passed, Operation::connect, peer + " does not answer");
    }
    if (error) {
      co_return fail(Errc::peer_unreachable, Operation::connect, peer + ": " + error.message());
    }
    co_return std::make_unique<TcpStream>(std::move(socket), options_);
  }

  Executor executor_;
  const TcpOptions options_;
  std::unique_ptr<Timers> timers_;
};

}  // namespace

std::unique_ptr<Network> make_tcp_network(Executor executor, TcpOptions options) {
  return std::make_unique<TcpNetwork>(std::move(executor), options);
}

}  // namespace weft::fetcher
