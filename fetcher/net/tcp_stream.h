// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/stream.h"
#include "fetcher/net/tcp_network.h"

#include <boost/asio/ip/tcp.hpp>

namespace weft::fetcher {

/// "10.0.0.7:7440", "[::1]:7440".
[[nodiscard]] Address address_of(const boost::asio::ip::tcp::endpoint& endpoint);

class TcpStream final : public Stream {
 public:
  TcpStream(boost::asio::ip::tcp::socket socket, const TcpOptions& options);

  Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
  Awaitable<Result<void>> write(std::span<const std::byte> bytes) override;
  void shutdown_write() noexcept override;
  void close() noexcept override;
  [[nodiscard]] std::string remote() const override { return remote_; }

 private:
  [[nodiscard]] std::unexpected<Error> failure(const boost::system::error_code& error,
                                               Operation operation) const;

  boost::asio::ip::tcp::socket socket_;
  std::string remote_;
};

}  // namespace weft::fetcher
