// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/relay.h"

#include "tests/support/tools/relay_connection.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace weft::testing {
namespace {

Result<sockaddr_in> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  if (colon == std::string::npos ||
      std::from_chars(text.data() + colon + 1, end, port) != std::from_chars_result{end, {}} ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return fail(Errc::bad_config, Operation::configure, text + " is not IPV4:PORT");
  }
  address.sin_port = htons(port);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

/// Before connect and listen: the window scale is agreed on then, and accepted sockets inherit it.
void limit_buffers(int fd, bool limited) {
  if (!limited) return;
  const int size = 128 << 10;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

Result<UniqueFd> listen_at(const RelayOptions& options, std::uint16_t* port) {
  const std::string& where = options.listen;
  WEFT_TRY(sockaddr_in address, parse_address(where));
  if (*port != 0) address.sin_port = htons(*port);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  socklen_t length = sizeof address;
  limit_buffers(fd.get(), options.bits_per_second != 0);
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd.get(), generic(address), length) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), static_cast<sockaddr*>(static_cast<void*>(&address)), &length) != 0) {
    return fail_errno(errno, Operation::accept, where);
  }
  *port = ntohs(address.sin_port);
  return fd;
}

UniqueFd dial(const RelayOptions& options) {
  auto address = parse_address(options.target);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!address || !fd) return UniqueFd();
  limit_buffers(fd.get(), options.bits_per_second != 0);
  if (::connect(fd.get(), generic(*address), sizeof *address) != 0 && errno != EINPROGRESS) {
    return UniqueFd();
  }
  return fd;
}

}  // namespace

Result<Relay> Relay::open(const RelayOptions& options) {
  WEFT_CHECK(parse_address(options.target));
  std::uint16_t port = 0;
  WEFT_TRY(UniqueFd listener, listen_at(options, &port));
  return Relay(options, std::move(listener), port);
}

Relay::Relay(const RelayOptions& options, UniqueFd listener, std::uint16_t port)
    : options_(options),
      listener_(std::move(listener)),
      port_(port),
      forward_(options.round_trip / 2, options.bits_per_second),
      backward_(options.round_trip / 2, options.bits_per_second) {}

Relay::Relay(Relay&&) noexcept = default;
Relay& Relay::operator=(Relay&&) noexcept = default;
Relay::~Relay() = default;

bool Relay::command(std::string_view word) {
  if (word == "pause") {
    paused_ = true;
  } else if (word == "resume") {
    paused_ = false;
  } else if (word == "reset") {
    reset_all();
  } else if (word == "down") {
    down_ = true;
    listener_.reset();
    reset_all();
  } else if (word == "up") {
    if (down_) {
      if (auto again = listen_at(options_, &port_)) listener_ = std::move(*again);
    }
    down_ = !listener_;
  } else if (word == "damage" || word == "repair") {
    options_.damage = word == "damage";
  } else {
    return false;
  }
  return true;
}

void Relay::reset_all() {
  for (auto& connection : connections_)
    connection->reset();
  connections_.clear();
}

void Relay::accept_one(LinkTime now) {
  UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) return;
  UniqueFd target = dial(options_);
  auto connection = std::make_unique<Connection>(std::move(client), std::move(target), forward_,
                                                 backward_, counts_, options_, now);
  connections_.push_back(std::move(connection));
}

std::array<bool, 2> Relay::step(std::chrono::nanoseconds limit, std::array<int, 2> wake) {
  auto now = std::chrono::steady_clock::now();
  auto deadline = now + limit;
  std::vector<pollfd> fds{{wake[0], POLLIN, 0}, {wake[1], POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  if (!paused_) {
    for (auto& connection : connections_) {
      deadline = std::min(deadline, connection->prepare(now, fds));
    }
  }
  const auto wait =
      std::max(std::chrono::nanoseconds::zero(), std::chrono::nanoseconds(deadline - now));
  const timespec timeout{.tv_sec = wait.count() / 1'000'000'000,
                         .tv_nsec = wait.count() % 1'000'000'000};
  if (::ppoll(fds.data(), fds.size(), &timeout, nullptr) < 0) return {};
  now = std::chrono::steady_clock::now();

  if (!paused_) {
    std::size_t at = 3;
    std::erase_if(connections_, [&](auto& connection) {
      const bool alive = connection->advance(now, fds[at], fds[at + 1]);
      at += 2;
      if (!alive) connection->reset();
      return !alive || connection->finished();
    });
  }
  if ((fds[2].revents & POLLIN) != 0) accept_one(now);
  return {fds[0].revents != 0, fds[1].revents != 0};
}

}  // namespace weft::testing
