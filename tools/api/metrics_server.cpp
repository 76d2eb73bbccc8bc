// SPDX-License-Identifier: Apache-2.0
#include "tools/api/metrics_server.h"

#include "indexer/core/clock.h"

#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::tools {
namespace {

constexpr std::size_t max_head = 8192;
constexpr auto request_limit = std::chrono::seconds(5);
constexpr int backlog = 16;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

Result<UniqueFd> listen_on(const fetcher::Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int problem =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &raw);
  const std::unique_ptr<addrinfo, FreeAddresses> found(raw);
  if (problem != 0 || !found) {
    return fail(Errc::bad_config, Operation::serve,
                fmt::format("metrics: {}: {}", to_string(address), ::gai_strerror(problem)));
  }
  UniqueFd socket(
      ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol));
  const int yes = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return fail_errno(errno, Operation::serve, "metrics: " + to_string(address));
  }
  return socket;
}

std::string response(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, type, body.size(), body);
}

/// False: the client is gone, or too slow.
bool wait_for(int fd, short events, TimePoint deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock().now()).count();
  if (left <= 0) return false;
  pollfd entry{fd, events, 0};
  const int ready = ::poll(&entry, 1, static_cast<int>(left));
  return ready > 0 || (ready < 0 && errno == EINTR);
}

std::string read_head(const UniqueFd& client, TimePoint deadline) {
  std::string head;
  std::array<char, 1024> buffer{};
  while (!head.contains("\r\n\r\n") && head.size() < max_head) {
    if (!wait_for(client.get(), POLLIN, deadline)) return {};
    const auto got = ::recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return {};
    head.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return head;
}

void write_all(const UniqueFd& client, std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty() && wait_for(client.get(), POLLOUT, deadline)) {
    const auto sent = ::send(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

std::string answer_metrics_request(std::string_view head, const MetricsServer::Render& render) {
  constexpr std::string_view plain = "text/plain; charset=utf-8";
  const auto line = head.substr(0, head.find("\r\n"));
  if (!head.contains("\r\n\r\n") || !line.contains(" HTTP/1.")) {
    return response("400 Bad Request", plain, "not a request\n");
  }
  if (!line.starts_with("GET ")) {
    return response("405 Method Not Allowed", plain, "only GET /metrics is answered here\n");
  }
  const auto target = line.substr(4, line.find(' ', 4) - 4);
  if (target.substr(0, target.find('?')) != "/metrics") {
    return response("404 Not Found", plain, "only /metrics is here\n");
  }
  const auto text = render();
  if (!text) {
    return response("503 Service Unavailable", plain, text.error().message() + "\n");
  }
  return response("200 OK", "text/plain; version=0.0.4; charset=utf-8", *text);
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const fetcher::Address& address,
                                                            Render render) {
  WEFT_TRY(UniqueFd listener, listen_on(address));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC));
  if (!wake) return fail_errno(errno, Operation::serve, "eventfd");
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(std::move(listener), std::move(wake), std::move(render)));
}

MetricsServer::MetricsServer(UniqueFd listener, UniqueFd wake, Render render)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      render_(std::move(render)),
      thread_([this] { run(); }) {}

MetricsServer::~MetricsServer() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof one));
  thread_.join();
}

void MetricsServer::run() {
  ::pthread_setname_np(::pthread_self(), "weft-metrics");
  for (;;) {
    std::array<pollfd, 2> entries{{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return;
    if (entries[1].revents != 0) return;
    if (entries[0].revents == 0) continue;
    const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) {
      serve(client);
    } else if (errno == EMFILE || errno == ENFILE) {
      // The connection stays ready: without a pause this would spin.
      ::poll(&entries[1], 1, 1000);
    }
  }
}

void MetricsServer::serve(const UniqueFd& client) const {
  const TimePoint deadline = steady_clock().now() + request_limit;
  try {
    const auto head = read_head(client, deadline);
    if (!head.empty()) write_all(client, answer_metrics_request(head, render_), deadline);
  } catch (const std::exception& thrown) {
    spdlog::error("metrics: {}", thrown.what());
  }
}

}  // namespace weft::tools
