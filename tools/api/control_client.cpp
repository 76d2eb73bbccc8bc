// SPDX-License-Identifier: Apache-2.0
#include "tools/api/control_client.h"

#include "tools/api/error_json.h"
#include "tools/api/unix_address.h"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace weft::tools {
namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t max_answer = 64u << 20;

std::unexpected<Error> garbled(std::string_view what) {
  return fail(Errc::bad_request, Operation::control,
              fmt::format("the node's answer cannot be understood ({})", what));
}

Result<json::object> object_of(std::string_view text) {
  boost::system::error_code problem;
  auto value = json::parse(text, problem);
  if (problem || !value.is_object()) return garbled("not a JSON object");
  return std::move(value.get_object());
}

/// Splits the body into lines as it grows and passes progress on; keeps the last line.
class LineReader {
 public:
  explicit LineReader(const CallContext& context) : context_(context) {}

  [[nodiscard]] Result<void> take(std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n') {
        line_ += c;
      } else if (!line_.empty()) {
        WEFT_TRY(last_, object_of(line_));
        line_.clear();
        if (context_.progress && last_.contains("progress")) context_.progress(last_);
      }
    }
    return {};
  }
  /// The final object of a stream: {"result": …} or {"error": …}.
  [[nodiscard]] Reply outcome() const {
    const auto* result = last_.if_contains("result");
    if (result != nullptr && result->is_object()) return result->get_object();
    return std::unexpected(error_from_json(last_));
  }

 private:
  const CallContext& context_;
  std::string line_;
  json::object last_;
};

}  // namespace

Result<ControlClient> ControlClient::connect(const std::filesystem::path& socket) {
  const auto no_daemon = [&] { return fail(Errc::no_daemon, Operation::control, socket.string()); };
  auto address = unix_address(socket);
  if (!address) return no_daemon();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errno, Operation::control, socket.string());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::ranges::copy(address->path, name.sun_path);
  const auto* plain = static_cast<const sockaddr*>(static_cast<const void*>(&name));
  if (::connect(fd.get(), plain, sizeof name) == 0) return ControlClient(std::move(fd));
  if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return no_daemon();
  return fail_errno(errno, Operation::control, socket.string());
}

Result<void> ControlClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(Errc::no_daemon, Operation::control, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::size_t> ControlClient::receive(std::span<char> into, const CallContext& context) {
  auto deadline = steady_clock().now() + (half_closed_ ? stop_limit : silence_limit);
  for (;;) {
    if (context.stop.stop_requested() && !std::exchange(half_closed_, true)) {
      ::shutdown(socket_.get(), SHUT_WR);
      deadline = steady_clock().now() + stop_limit;
    }
    pollfd entry{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, 100);
    if (ready < 0 && errno != EINTR) return fail_errno(errno, Operation::control);
    if (ready > 0) {
      const auto got = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0 || errno == ECONNRESET) {
        return fail(Errc::no_daemon, Operation::control, "the node went away during the request");
      }
      if (errno != EINTR) return fail_errno(errno, Operation::control);
    }
    if (steady_clock().now() >= deadline) {
      return fail(Errc::deadline_passed, Operation::control, "the node does not answer");
    }
  }
}

Reply ControlClient::call(Call call, const CallContext& context) {
  if (context.progress) call.query.insert_or_assign("progress", "true");
  http::request<http::string_body> request(http::string_to_verb(call.method), target_of(call), 11);
  request.set(http::field::host, "weft");
  if (!call.body.empty()) {
    request.set(http::field::content_type, "application/json");
    request.body() = json::serialize(call.body);
  }
  request.prepare_payload();
  std::ostringstream text;
  text << request;
  WEFT_CHECK(send(text.view()));

  http::response_parser<http::string_body> parser;
  parser.body_limit(max_answer);
  LineReader lines(context);
  std::size_t taken = 0;
  std::array<char, 16384> buffer{};
  std::string pending;
  while (!parser.is_done()) {
    WEFT_TRY(const auto got, receive(buffer, context));
    pending.append(buffer.data(), got);
    boost::system::error_code problem;
    parser.eager(true);
    while (!pending.empty() && !parser.is_done()) {
      const auto used = parser.put(boost::asio::buffer(pending), problem);
      pending.erase(0, used);
      if (problem == http::error::need_more) break;
      if (problem) return garbled(problem.message());
    }
    if (!parser.is_header_done()) continue;
    const std::string_view body(parser.get().body());
    if (parser.chunked()) WEFT_CHECK(lines.take(body.substr(taken)));
    taken = body.size();
  }
  const auto& response = parser.get();
  if (parser.chunked()) return lines.outcome();
  WEFT_TRY(auto object, object_of(response.body()));
  if (response.result() != http::status::ok) return std::unexpected(error_from_json(object));
  return object;
}

}  // namespace weft::tools
