// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/timers.h"
#include "tools/api/control_server.h"
#include "tools/api/running_call.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <functional>
#include <memory>

namespace weft::tools {

/// One connection to the control socket: reads requests, has them worked on, writes answers, one
/// after the other. I/O thread only.
///
/// Lifecycle: shared by the coroutine `run` and the server's list. `end()` closes it when it is
/// idle, or asks the running request to stop and closes after its answer.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using Stream = boost::beast::basic_stream<boost::asio::local::stream_protocol, fetcher::Executor>;
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  /// Starts to work on a call; its outcome comes through the RunningCall. False: too many.
  using Begin = std::function<bool(Call, std::shared_ptr<RunningCall>)>;

  HttpSession(boost::asio::local::stream_protocol::socket socket, fetcher::Timers& timers,
              const ControlServerOptions& options, Begin begin);

  [[nodiscard]] fetcher::Awaitable<void> run();
  void end();

 private:
  [[nodiscard]] fetcher::Awaitable<bool> serve_one();
  [[nodiscard]] fetcher::Awaitable<bool> answer(Call call, bool keep_alive);
  [[nodiscard]] fetcher::Awaitable<bool> answer_once(std::shared_ptr<RunningCall> call,
                                                     bool keep_alive);
  [[nodiscard]] fetcher::Awaitable<bool> answer_stream(std::shared_ptr<RunningCall> call,
                                                       bool keep_alive);
  [[nodiscard]] fetcher::Awaitable<Reply> reply_of(std::shared_ptr<RunningCall> call);
  [[nodiscard]] fetcher::Awaitable<bool> write_reply(Reply reply, bool keep_alive);
  [[nodiscard]] fetcher::Awaitable<bool> write_stream_header(bool keep_alive);
  [[nodiscard]] fetcher::Awaitable<bool> write_line(std::string line);
  [[nodiscard]] fetcher::Awaitable<bool> write_last_chunk();
  void watch_for_hangup(std::shared_ptr<RunningCall> call);

  Stream stream_;
  fetcher::Timers& timers_;
  const ControlServerOptions& options_;
  const Begin begin_;
  boost::beast::flat_buffer buffer_;
  std::shared_ptr<RunningCall> running_;
  bool text_ = false;  ///< the running request's answer is text
  bool ending_ = false;
};

/// A call from an HTTP request. Errc::bad_request.
[[nodiscard]] Result<Call> call_of(const HttpSession::Request& request);

}  // namespace weft::tools
