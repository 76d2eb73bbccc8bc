// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/tcp_network.h"

#include "fetcher/net/io_thread.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

class TcpNetwork : public ::testing::Test {
 protected:
  [[nodiscard]] TimePoint in(Duration span) const { return steady_clock().now() + span; }

  IoThread io_;
  std::unique_ptr<Network> network_ = make_tcp_network(io_.executor());
};

Awaitable<void> write_all(Stream& stream, std::size_t size) {
  const std::vector<std::byte> bytes(size, std::byte{0x5a});
  EXPECT_TRUE(co_await stream.write(bytes));
  stream.shutdown_write();
}

Awaitable<std::size_t> read_to_end(Stream& stream) {
  std::vector<std::byte> buffer(1 << 16);
  std::size_t total = 0;
  for (;;) {
    const auto size = co_await stream.read_some(buffer);
    if (!size || *size == 0) co_return total;
    total += *size;
  }
}

TEST_F(TcpNetwork, carries_bytes_and_the_end_of_a_direction) {
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    io_.run([&]() -> Awaitable<void> {
      const auto listener = network_->listen({.host = host, .port = 0});
      if (!listener && std::string_view(host) == "::1") co_return;  // no IPv6 here
      Address address{.host = host, .port = (*listener)->local().port};
      auto client = co_await network_->dial(address, in(10s));
      EXPECT_TRUE(client);
      if (!client) co_return;
      auto server = co_await (*listener)->accept();
      TaskGroup group(io_.executor());
      group.spawn("write", write_all(**server, 3'000'000));
      EXPECT_EQ(co_await read_to_end(**client), 3'000'000u);
      co_await group.stop();
    });
  }
}

TEST_F(TcpNetwork, plain_text_beyond_loopback_needs_permission) {
  io_.run([&]() -> Awaitable<void> {
    const auto stream = co_await network_->dial({.host = "192.0.2.1", .port = 1}, in(5s));
    EXPECT_TRUE(!stream && stream.error().is(Errc::not_permitted));
  });
  const auto listener = network_->listen({.host = "0.0.0.0", .port = 0});
  ASSERT_FALSE(listener);
  EXPECT_TRUE(listener.error().is(Errc::not_permitted));
  EXPECT_NE(listener.error().detail.find("--insecure"), std::string::npos);
  const auto open = make_tcp_network(io_.executor(), {.allow_plain = true});
  EXPECT_TRUE(open->listen({.host = "0.0.0.0", .port = 0}));
}

TEST_F(TcpNetwork, nobody_listening_is_peer_unreachable) {
  io_.run([&]() -> Awaitable<void> {
    auto listener = network_->listen({.host = "127.0.0.1", .port = 0});
    Address address = (*listener)->local();
    listener->reset();
    const auto stream = co_await network_->dial(address, in(5s));
    EXPECT_TRUE(!stream && stream.error().is(Errc::peer_unreachable));
  });
}

TEST_F(TcpNetwork, close_ends_pending_calls) {
  io_.run([&]() -> Awaitable<void> {
    const auto listener = network_->listen({.host = "127.0.0.1", .port = 0});
    Address address = (*listener)->local();
    auto client = co_await network_->dial(address, in(5s));
    const Deadline close_client(io_.timers(), in(5ms), [&] { (*client)->close(); });
    std::vector<std::byte> buffer(16);
    const auto read = co_await (*client)->read_some(buffer);
    EXPECT_TRUE(!read && read.error().is(Errc::cancelled));
    const Deadline close_listener(io_.timers(), in(5ms), [&] { (*listener)->close(); });
    auto first = co_await (*listener)->accept();
    EXPECT_TRUE(first);
    const auto second = co_await (*listener)->accept();
    EXPECT_TRUE(!second && second.error().is(Errc::cancelled));
  });
}

TEST_F(TcpNetwork, a_taken_port_is_reported_with_its_address) {
  io_.run([&]() -> Awaitable<void> {
    const auto listener = network_->listen({.host = "127.0.0.1", .port = 0});
    const auto second = network_->listen((*listener)->local());
    EXPECT_TRUE(!second && second.error().is(std::errc::address_in_use));
    co_return;
  });
}

}  // namespace
}  // namespace weft::fetcher
