// SPDX-License-Identifier: Apache-2.0
#include "tools/api/http_session.h"

#include "tools/api/error_json.h"
#include "tools/api/routes.h"
#include "tools/api/trouble.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include <utility>

#include <sys/socket.h>

namespace weft::tools {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
using fetcher::Awaitable;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

std::string line_of(const json::object& object) {
  return json::serialize(object) + "\n";
}

std::string last_line(const Reply& reply) {
  return line_of(reply ? json::object{{"result", *reply}} : to_json(reply.error()));
}

bool wants_stream(const Call& call) {
  const auto progress = call.query.find("progress");
  return is_long(call) && progress != call.query.end() && progress->second == "true";
}

}  // namespace

Result<Call> call_of(const HttpSession::Request& request) {
  const auto method = request.method_string();
  const auto target = request.target();
  WEFT_TRY(auto call, parse_target({method.data(), method.size()}, {target.data(), target.size()}));
  if (request.body().empty()) return call;
  boost::system::error_code problem;
  auto body = json::parse(request.body(), problem);
  if (problem || !body.is_object()) {
    return fail(Errc::bad_request, Operation::control, "the body must be a JSON object");
  }
  call.body = std::move(body.get_object());
  return call;
}

HttpSession::HttpSession(asio::local::stream_protocol::socket socket, fetcher::Timers& timers,
                         const ControlServerOptions& options, Begin begin)
    : stream_(std::move(socket)), timers_(timers), options_(options), begin_(std::move(begin)) {}

Awaitable<void> HttpSession::run() {
  while (!ending_) {
    const bool go_on = co_await serve_one();
    if (!go_on) break;
  }
  stream_.close();
}

void HttpSession::end() {
  ending_ = true;
  if (running_) {
    running_->request_stop();
  } else {
    stream_.close();
  }
}

Awaitable<bool> HttpSession::serve_one() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.max_header));
  parser.body_limit(options_.max_body);
  stream_.expires_after(options_.io_timeout);
  const auto [problem, size] = co_await http::async_read(stream_, buffer_, parser, as_tuple);
  if (problem == http::error::body_limit || problem == http::error::header_limit) {
    co_return co_await write_reply(
        fail(Errc::bad_request, Operation::control, "the request is too large"), false);
  }
  if (problem) co_return false;
  const bool keep_alive = parser.keep_alive();
  auto call = call_of(parser.get());
  if (!call) co_return co_await write_reply(std::unexpected(std::move(call).error()), keep_alive);
  co_return co_await answer(std::move(*call), keep_alive);
}

Awaitable<bool> HttpSession::answer(Call call, bool keep_alive) {
  const bool stream = wants_stream(call);
  const bool cancellable = is_long(call);
  text_ = is_text(call);
  auto running = std::make_shared<RunningCall>(stream_.get_executor());
  if (!begin_(std::move(call), running)) {
    co_return co_await write_reply(
        fail(Errc::queue_full, Operation::control, "too many requests at once"), keep_alive);
  }
  running_ = running;
  if (ending_) running->request_stop();
  if (cancellable) watch_for_hangup(running);
  const bool go_on = stream ? co_await answer_stream(running, keep_alive)
                            : co_await answer_once(running, keep_alive);
  running_.reset();
  co_return go_on && !ending_;
}

void HttpSession::watch_for_hangup(std::shared_ptr<RunningCall> call) {
  stream_.socket().async_wait(
      asio::socket_base::wait_read,
      [self = shared_from_this(), call = std::move(call)](boost::system::error_code problem) {
        if (problem) return;
        char byte = 0;
        const auto fd = self->stream_.socket().native_handle();
        const auto got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        // Anything but an end is the next, pipelined request: it waits its turn.
        if (got == 0) call->request_stop();
      });
}

/// The outcome in any case: also when the client has gone, because the handler uses this session's
/// call until it ends.
Awaitable<Reply> HttpSession::reply_of(std::shared_ptr<RunningCall> call) {
  for (;;) {
    auto news = call->take();
    if (news.reply) co_return std::move(*news.reply);
    co_await call->changed().wait();
  }
}

Awaitable<bool> HttpSession::answer_once(std::shared_ptr<RunningCall> call, bool keep_alive) {
  auto reply = co_await reply_of(call);
  boost::system::error_code ignored;
  stream_.socket().cancel(ignored);  // the watch for a hang-up
  co_return co_await write_reply(std::move(reply), keep_alive);
}

/// The status line is held back until there is something to say, so that an operation that fails
/// at once is answered with the proper status.
Awaitable<bool> HttpSession::answer_stream(std::shared_ptr<RunningCall> call, bool keep_alive) {
  bool started = false;
  bool alive = true;
  for (;;) {
    auto news = call->take();
    if (alive && news.progress) {
      if (!std::exchange(started, true)) alive = co_await write_stream_header(keep_alive);
      if (alive) alive = co_await write_line(line_of(*news.progress));
    }
    if (!alive) call->request_stop();
    if (news.reply && !started) co_return co_await write_reply(std::move(*news.reply), keep_alive);
    if (news.reply) {
      alive = alive && co_await write_line(last_line(*news.reply));
      co_return alive&& co_await write_last_chunk() && keep_alive;
    }
    if (news.progress) continue;  // more may have come while it was written
    const bool woken =
        co_await call->changed().wait_until(timers_, timers_.now() + options_.heartbeat);
    if (!woken && alive && started) alive = co_await write_line("\n");
  }
}

Awaitable<bool> HttpSession::write_reply(Reply reply, bool keep_alive) {
  const auto status = reply ? 200 : classify(reply.error()).http_status;
  http::response<http::string_body> response;
  response.version(11);
  response.result(status);
  const auto* text = reply && text_ ? reply->if_contains("text") : nullptr;
  const bool plain = text != nullptr && text->is_string();
  response.set(http::field::content_type,
               plain ? "text/plain; version=0.0.4; charset=utf-8" : "application/json");
  response.keep_alive(keep_alive && !ending_);
  response.body() =
      plain ? std::string(text->get_string()) : line_of(reply ? *reply : to_json(reply.error()));
  response.prepare_payload();
  stream_.expires_after(options_.io_timeout);
  const auto [problem, size] = co_await http::async_write(stream_, response, as_tuple);
  co_return !problem && keep_alive;
}

Awaitable<bool> HttpSession::write_stream_header(bool keep_alive) {
  http::response<http::empty_body> header(http::status::ok, 11);
  header.set(http::field::content_type, "application/x-ndjson");
  header.keep_alive(keep_alive);
  header.chunked(true);
  http::response_serializer<http::empty_body> serializer(header);
  stream_.expires_after(options_.io_timeout);
  const auto [problem, size] = co_await http::async_write_header(stream_, serializer, as_tuple);
  co_return !problem;
}

Awaitable<bool> HttpSession::write_line(std::string line) {
  stream_.expires_after(options_.io_timeout);
  const auto [problem, size] =
      co_await asio::async_write(stream_, http::make_chunk(asio::buffer(line)), as_tuple);
  co_return !problem;
}

Awaitable<bool> HttpSession::write_last_chunk() {
  boost::system::error_code ignored;
  stream_.socket().cancel(ignored);  // the watch for a hang-up
  stream_.expires_after(options_.io_timeout);
  const auto [problem, size] =
      co_await asio::async_write(stream_, http::make_chunk_last(), as_tuple);
  co_return !problem;
}

}  // namespace weft::tools
