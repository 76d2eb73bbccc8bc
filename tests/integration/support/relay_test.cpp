// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/relay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Accepts one connection; the test reads and writes it directly.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = loopback(0);
    socklen_t length = sizeof address;
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), generic, &length) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] UniqueFd accept() const {
    return UniqueFd(::accept(listener_.get(), nullptr, nullptr));
  }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

/// A Relay that this test steps wherever it waits: no second thread.
class RelayTest : public ::testing::Test {
 protected:
  void open(std::chrono::nanoseconds round_trip, std::uint64_t bits_per_second = 0) {
    relay_.emplace(*Relay::open({.listen = "127.0.0.1:0",
                                 .target = server_.address(),
                                 .round_trip = round_trip,
                                 .bits_per_second = bits_per_second}));
  }
  [[nodiscard]] UniqueFd dial() const {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    const auto address = loopback(relay_->port());
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (::connect(fd.get(), generic, sizeof address) != 0) fd.reset();
    return fd;
  }
  void connect() {
    client_ = dial();
    ASSERT_TRUE(client_);
    ASSERT_TRUE(run_until([this] { return relay_->counts().connections == 1; }));
    remote_ = server_.accept();
    ASSERT_TRUE(remote_);
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 10s) {
    const auto end = Clock::now() + limit;
    while (!done()) {
      if (Clock::now() > end) return false;
      relay_->step(1ms, {-1, -1});
    }
    return true;
  }
  static bool readable(const UniqueFd& fd) {
    pollfd poll{fd.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) == 1;
  }

  Server server_;
  std::optional<Relay> relay_;
  UniqueFd client_;
  UniqueFd remote_;
};

TEST_F(RelayTest, a_byte_takes_half_a_round_trip_each_way) {
  open(80ms);
  connect();
  for (const auto* pair : {&client_, &remote_}) {
    const auto& from = pair == &client_ ? client_ : remote_;
    const auto& to = pair == &client_ ? remote_ : client_;
    // The shortest of a few: a busy machine makes them longer, nothing makes them shorter.
    auto shortest = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
      const auto sent = Clock::now();
      ASSERT_EQ(::send(from.get(), "x", 1, 0), 1);
      ASSERT_TRUE(run_until([&] { return readable(to); }));
      shortest = std::min<std::chrono::nanoseconds>(shortest, Clock::now() - sent);
      char byte = 0;
      ASSERT_EQ(::recv(to.get(), &byte, 1, 0), 1);
      EXPECT_EQ(byte, 'x');
    }
    EXPECT_GE(shortest, 40ms);
    EXPECT_LT(shortest, 70ms);
  }
}

/// Sends `total` bytes from client to remote; checks their order; returns how long it took.
Clock::duration stream(const std::function<void()>& step, int from, int to, std::size_t total) {
  const auto began = Clock::now();
  std::vector<std::uint8_t> out(64 << 10);
  std::vector<std::uint8_t> in(256 << 10);
  std::size_t sent = 0;
  std::size_t received = 0;
  while (received < total && Clock::now() - began < 30s) {
    while (sent < total) {
      const auto size = std::min(out.size(), total - sent);
      for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::uint8_t>((sent + i) * 7 >> 3);
      const ssize_t count = ::send(from, out.data(), size, MSG_DONTWAIT);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    step();
    for (;;) {
      const ssize_t count = ::recv(to, in.data(), in.size(), MSG_DONTWAIT);
      if (count <= 0) break;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        EXPECT_EQ(in[i], static_cast<std::uint8_t>((received + i) * 7 >> 3));
      }
      received += static_cast<std::size_t>(count);
    }
  }
  EXPECT_EQ(received, total);
  return Clock::now() - began;
}

TEST_F(RelayTest, delay_does_not_limit_throughput) {
  open(60ms);
  connect();
  constexpr std::size_t total = 64 << 20;
  const auto took =
      stream([this] { relay_->step(1ms, {-1, -1}); }, client_.get(), remote_.get(), total);
  // A window of 64 KiB a round trip would take a minute.
  EXPECT_LT(took, 5s);
  EXPECT_EQ(relay_->counts().to_target, total);
  EXPECT_EQ(relay_->counts().to_client, 0U);
}

TEST_F(RelayTest, rate_is_kept) {
  open(10ms, 40'000'000);
  connect();
  constexpr std::size_t total = 2'500'000;  // half a second
  const auto took =
      stream([this] { relay_->step(1ms, {-1, -1}); }, client_.get(), remote_.get(), total);
  EXPECT_GE(took, 500ms);
  EXPECT_LT(took, 1500ms);
}

TEST_F(RelayTest, slow_link_pushes_back_on_the_sender) {
  open(10ms, 8'000'000);
  connect();
  std::size_t taken = 0;
  const std::vector<std::byte> data(64 << 10);
  static_cast<void>(run_until(
      [&] {
        const ssize_t count = ::send(client_.get(), data.data(), data.size(), MSG_DONTWAIT);
        if (count > 0) taken += static_cast<std::size_t>(count);
        return false;
      },
      200ms));
  // 0.2 s at 1 MB/s, and the buffers of four sockets and the link: not everything that is offered.
  EXPECT_LT(taken, std::size_t{8} << 20);
}

TEST_F(RelayTest, pause_holds_bytes_and_resume_delivers_them) {
  open(2ms);
  connect();
  ASSERT_TRUE(relay_->command("pause"));
  ASSERT_EQ(::send(client_.get(), "kept", 4, 0), 4);
  EXPECT_FALSE(run_until([&] { return readable(remote_); }, 100ms));
  ASSERT_TRUE(relay_->command("resume"));
  ASSERT_TRUE(run_until([&] { return readable(remote_); }));
  char text[8] = {};
  EXPECT_EQ(::recv(remote_.get(), text, sizeof text, 0), 4);
  EXPECT_STREQ(text, "kept");
}

TEST_F(RelayTest, end_of_stream_arrives_behind_the_bytes_before_it) {
  open(40ms);
  connect();
  ASSERT_EQ(::send(client_.get(), "bye", 3, 0), 3);
  ::shutdown(client_.get(), SHUT_WR);
  ASSERT_TRUE(run_until([&] { return readable(remote_); }));
  char text[8] = {};
  EXPECT_EQ(::recv(remote_.get(), text, sizeof text, 0), 3);
  ASSERT_TRUE(run_until([&] { return readable(remote_); }));
  EXPECT_EQ(::recv(remote_.get(), text, sizeof text, 0), 0);
  // The other way stays open.
  ASSERT_EQ(::send(remote_.get(), "ok", 2, 0), 2);
  ASSERT_TRUE(run_until([&] { return readable(client_); }));
  EXPECT_EQ(::recv(client_.get(), text, sizeof text, 0), 2);
}

TEST_F(RelayTest, reset_is_seen_as_an_error_by_both_sides) {
  open(0ms);
  connect();
  ASSERT_TRUE(relay_->command("reset"));
  for (const auto* fd : {&client_, &remote_}) {
    char byte = 0;
    EXPECT_EQ(::recv(fd->get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
}

TEST_F(RelayTest, down_refuses_connections_until_up_at_the_same_port) {
  open(0ms);
  const auto port = relay_->port();
  ASSERT_TRUE(relay_->command("down"));
  EXPECT_FALSE(dial());
  ASSERT_TRUE(relay_->command("up"));
  EXPECT_EQ(relay_->port(), port);
  connect();
}

TEST_F(RelayTest, unknown_command_is_refused) {
  open(0ms);
  EXPECT_FALSE(relay_->command("stop"));
}

TEST_F(RelayTest, client_is_cut_off_when_the_target_refuses) {
  auto relay = Relay::open({.listen = "127.0.0.1:0", .target = "127.0.0.1:1"});
  ASSERT_TRUE(relay);
  relay_.emplace(std::move(*relay));
  const UniqueFd fd = dial();
  ASSERT_TRUE(fd);
  ASSERT_TRUE(run_until([&] { return readable(fd); }));
  char byte = 0;
  EXPECT_EQ(::recv(fd.get(), &byte, 1, 0), -1);
}

TEST(RelayOptions, malformed_address_is_refused) {
  for (const char* address : {"", "127.0.0.1", "host:80", "127.0.0.1:x", "127.0.0.1:99999"}) {
    const auto relay = Relay::open({.listen = "127.0.0.1:0", .target = address});
    ASSERT_FALSE(relay) << address;
    EXPECT_TRUE(relay.error().is(Errc::bad_config)) << address;
  }
}

}  // namespace
}  // namespace weft::testing
