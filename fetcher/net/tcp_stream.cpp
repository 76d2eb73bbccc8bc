// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/tcp_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weft::fetcher {
namespace {

constexpr auto as_values = boost::asio::as_tuple(boost::asio::use_awaitable);

// A kernel without one of these options still carries the stream.
void set(int socket, int level, int name, int value) {
  (void)::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

Address address_of(const boost::asio::ip::tcp::endpoint& endpoint) {
  return {.host = endpoint.address().to_string(), .port = endpoint.port()};
}

TcpStream::TcpStream(boost::asio::ip::tcp::socket socket, const TcpOptions& options)
    : socket_(std::move(socket)) {
  const int fd = socket_.native_handle();
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.user_timeout.count()));
  set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(options.unsent_limit));
  boost::system::error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  remote_ = error ? "unknown" : to_string(address_of(endpoint));
}

Awaitable<Result<std::size_t>> TcpStream::read_some(std::span<std::byte> into) {
  const auto [error, size] =
      co_await socket_.async_read_some(boost::asio::buffer(into.data(), into.size()), as_values);
  if (error == boost::asio::error::eof) co_return 0;
  if (error) co_return failure(error, Operation::receive);
  co_return size;
}

Awaitable<Result<void>> TcpStream::write(std::span<const std::byte> bytes) {
  const auto [error, size] = co_await boost::asio::async_write(
      socket_, boost::asio::buffer(bytes.data(), bytes.size()), as_values);
  if (error) co_return failure(error, Operation::send);
  co_return Result<void>();
}

void TcpStream::shutdown_write() noexcept {
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void TcpStream::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::unexpected<Error> TcpStream::failure(const boost::system::error_code& error,
                                          Operation operation) const {
  const bool closed_here =
      error == boost::asio::error::operation_aborted || error == boost::asio::error::bad_descriptor;
  return fail(closed_here ? Errc::cancelled : Errc::peer_unreachable, operation,
              remote_ + ": " + error.message());
}

}  // namespace weft::fetcher
