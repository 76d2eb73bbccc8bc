// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/qmp_client.h"

#include "tools/api/unix_address.h"

#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr int poll_ms = 100;
constexpr unsigned deepest = 32;

std::string text_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

QmpClient::QmpClient(UniqueFd socket, std::string name, Patience patience)
    : socket_(std::move(socket)), name_(std::move(name)), patience_(std::move(patience)) {}

void QmpClient::set_patience(Patience patience) {
  patience_ = std::move(patience);
  stopped_at_.reset();
}

std::unexpected<Error> QmpClient::broken(std::string_view what) const {
  return fail(Errc::helper_failed, Operation::control, name_ + ": " + std::string(what));
}

Result<QmpClient> QmpClient::connect(const std::filesystem::path& socket, TimePoint deadline,
                                     std::stop_token stop) {
  WEFT_TRY(const UnixAddress address, unix_address(socket));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno(errno, Operation::connect, socket.string());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.path.size() >= sizeof name.sun_path) {
    return fail_errno(ENAMETOOLONG, Operation::connect, socket.string());
  }
  std::memcpy(name.sun_path, address.path.data(), address.path.size());
  QmpClient client(std::move(fd), socket.string(), {deadline, std::move(stop)});
  while (::connect(client.socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) !=
         0) {
    // A monitor that serves somebody else has a full backlog.
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      return fail_errno(errno, Operation::connect,
                        socket.string() + ": give the path of `-qmp unix:PATH,server=on`");
    }
    WEFT_CHECK(client.wait(0));
  }
  WEFT_CHECK(client.greet());
  return client;
}

Result<void> QmpClient::greet() {
  WEFT_TRY(const json::object greeting, read_message());
  if (!greeting.contains("QMP")) return broken("is not a QMP socket of QEMU");
  WEFT_TRY(const QmpAnswer agreed, call("qmp_capabilities"));
  if (agreed.refused()) return broken(agreed.refusal);
  return {};
}

/// Until the socket is ready for one of `events`, or, without events, a moment.
Result<void> QmpClient::wait(short events) {
  for (;;) {
    const TimePoint now = steady_clock().now();
    if (patience_.stop.stop_requested() && !stopped_at_) stopped_at_ = now;
    if (stopped_at_ && now >= *stopped_at_ + patience_.grace) {
      return fail(Errc::cancelled, Operation::control);
    }
    if (now >= patience_.deadline) {
      return fail(Errc::deadline_passed, Operation::control,
                  name_ +
                      ": QEMU does not answer; does another program hold this monitor? Give "
                      "QEMU a second -qmp socket for weft");
    }
    // A socket that is not connected yet would show a hang-up at once.
    pollfd p{.fd = events == 0 ? -1 : socket_.get(), .events = events, .revents = 0};
    if (::poll(&p, 1, poll_ms) > 0 || events == 0) return {};
  }
}

Result<json::object> QmpClient::read_message() {
  for (;;) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      json::error_code problem;
      json::parse_options options;
      options.max_depth = deepest;
      json::value value =
          json::parse(std::string_view(received_).substr(0, end), problem, {}, options);
      received_.erase(0, end + 1);
      if (problem || !value.is_object()) return broken("sends what is not JSON");
      return std::move(value.get_object());
    }
    if (received_.size() > longest_line) return broken("sends a line without end");
    WEFT_CHECK(wait(POLLIN));
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return broken("QEMU has closed the connection");
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return fail_errno(errno, Operation::receive, name_);
    received_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<QmpAnswer> QmpClient::call(std::string_view command, json::object arguments) {
  json::object message{{"execute", command}};
  if (!arguments.empty()) message["arguments"] = std::move(arguments);
  std::string line = json::serialize(message) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    WEFT_CHECK(wait(POLLOUT));
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return fail_errno(errno, Operation::send, name_);
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  for (;;) {
    WEFT_TRY(json::object answer, read_message());
    if (auto* value = answer.if_contains("return")) return QmpAnswer{std::move(*value), {}, {}};
    const auto* error = answer.if_contains("error");
    if (error == nullptr) continue;  // an event
    if (!error->is_object()) return broken("sends an error that is no object");
    QmpAnswer refusal{nullptr, text_of(error->get_object(), "class"),
                      text_of(error->get_object(), "desc")};
    if (refusal.error_class.empty()) refusal.error_class = "GenericError";
    return refusal;
  }
}

}  // namespace weft::tools
