// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/relay_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace weft::testing {
namespace {

constexpr std::size_t read_size = std::size_t{64} << 10;

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Relay::Connection::Connection(UniqueFd client, UniqueFd target, LinkModel& forward,
                              LinkModel& backward, RelayCounts& counts, const RelayOptions& options,
                              LinkTime now)
    : client_(std::move(client)),
      target_(std::move(target)),
      up_(forward, counts.to_target, now),
      down_(backward, counts.to_client, now),
      options_(&options),
      number_(++counts.connections) {
  set_no_delay(client_.get());
  if (target_) set_no_delay(target_.get());
}

void Relay::Connection::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  for (const int fd : {client_.get(), target_.get()}) {
    if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
}

bool Relay::Connection::wants_input(const Way& way, LinkTime now) {
  return !way.closing && way.line.has_room() && way.link->accepts(now);
}

LinkTime Relay::Connection::wake_at(const Way& way, LinkTime now, LinkTime never) {
  LinkTime at = never;
  if (!way.closing && way.line.has_room() && !way.link->accepts(now)) at = way.link->accepts_at();
  if (!way.blocked && !way.line.empty()) at = std::min(at, way.line.next_due());
  if (way.closing && !way.ended && way.line.empty()) at = std::min(at, way.end_due);
  return at;
}

LinkTime Relay::Connection::prepare(LinkTime now, std::vector<pollfd>& fds) const {
  // A descriptor nothing is wanted from is left out: poll would report its hang-up again and again.
  const auto watch = [&fds](int fd, bool in, bool out) {
    const auto events = static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0));
    fds.push_back({events != 0 ? fd : -1, events, 0});
  };
  const bool dialing = !connected_;
  watch(client_.get(), !dialing && wants_input(up_, now), down_.blocked);
  watch(target_.get(), !dialing && wants_input(down_, now), dialing || up_.blocked);
  constexpr auto never = LinkTime::max();
  if (!target_) return now;
  if (dialing) return never;
  return std::min(wake_at(up_, now, never), wake_at(down_, now, never));
}

bool Relay::Connection::pull(Way& way, int from, LinkTime now) {
  std::vector<std::byte> data(read_size);
  const ssize_t count = ::recv(from, data.data(), data.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) {
    way.closing = true;
    way.end_due = way.link->admit(now, 0);
    return true;
  }
  data.resize(static_cast<std::size_t>(count));
  damage(way, data);
  const auto due = way.link->admit(now, data.size());
  way.line.push(std::move(data), due);
  return true;
}

void Relay::Connection::damage(const Way& way, std::span<std::byte> bytes) const {
  constexpr std::uint64_t apart = std::uint64_t{64} << 10;
  if (&way != &down_ || !options_->damage) return;
  const std::uint64_t before = *way.count + way.line.bytes();
  if (before / apart == (before + bytes.size()) / apart) return;
  bytes.back() ^= std::byte{1};
}

bool Relay::Connection::push(Way& way, int to, LinkTime now) {
  while (!way.blocked && !way.line.empty() && way.line.next_due() <= now) {
    const ssize_t count = ::send(to, way.line.data(), way.line.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) return false;
      way.blocked = true;
    } else {
      if (options_->tap)
        options_->tap(number_, &way == &up_, {way.line.data(), static_cast<std::size_t>(count)});
      way.line.consume(static_cast<std::size_t>(count));
      *way.count += static_cast<std::uint64_t>(count);
    }
  }
  if (way.closing && !way.ended && way.line.empty() && way.end_due <= now) {
    ::shutdown(to, SHUT_WR);
    way.ended = true;
  }
  return true;
}

bool Relay::Connection::advance(LinkTime now, const pollfd& client, const pollfd& target) {
  if (!target_) return false;
  if (!connected_) {
    if (target.revents == 0) return true;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(target_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return false;
    connected_ = true;
  }
  if (((client.revents | target.revents) & (POLLERR | POLLNVAL)) != 0) return false;
  if ((client.revents & POLLOUT) != 0) down_.blocked = false;
  if ((target.revents & POLLOUT) != 0) up_.blocked = false;
  if ((client.revents & POLLIN) != 0 && !pull(up_, client_.get(), now)) return false;
  if ((target.revents & POLLIN) != 0 && !pull(down_, target_.get(), now)) return false;
  return push(up_, target_.get(), now) && push(down_, client_.get(), now);
}

}  // namespace weft::testing
