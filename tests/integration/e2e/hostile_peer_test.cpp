// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/codec.h"
#include "tests/integration/e2e/e2e_fixture.h"

#include <functional>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace weft::testing {
namespace {

namespace wire = fetcher::wire;
using Bytes = std::vector<std::byte>;

/// Answers every connection with the same bytes, whatever is asked, then ends its side.
class FakePeer {
 public:
  explicit FakePeer(Bytes answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), generic, &length) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve(const std::stop_token& stop) {
    std::vector<UniqueFd> open;
    while (!stop.stop_requested()) {
      pollfd poll{listener_.get(), POLLIN, 0};
      if (::poll(&poll, 1, 20) != 1) continue;
      UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
      std::byte first[1024];
      if (::recv(client.get(), first, sizeof first, 0) <= 0) continue;
      static_cast<void>(::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL));
      ::shutdown(client.get(), SHUT_WR);
      open.push_back(std::move(client));
    }
  }

  Bytes answer_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

Bytes hello(std::uint16_t version_min, std::uint16_t version_max) {
  return wire::encode(
      wire::Hello{
          .version_min = version_min, .version_max = version_max, .node = {}, .name = "fake"},
      0, wire::Priority::control);
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class HostilePeer : public E2eTest {
 protected:
  void SetUp() override {
    holder_.start();
    expect_ok(holder_.weft({"import", file_, "--name", "x"}));
    node_.start();
  }
  /// Alone it is an error with its code; beside an honest holder it does no harm.
  void expect_harmless(const FakePeer& fake, std::vector<ExitCode> codes, std::string_view says) {
    const auto alone = node_.weft({"materialize", "x", "--peer", fake.address()});
    EXPECT_TRUE(std::ranges::find(codes, static_cast<ExitCode>(alone.status.code)) != codes.end())
        << alone.status.code << " " << alone.err;
    expect_trouble(alone, static_cast<ExitCode>(alone.status.code), says);
    EXPECT_EQ(images_of(node_), "");
    expect_ok(node_.weft({"materialize", "x", "--peer", holder_.address()}));
    EXPECT_EQ(images_of(node_), images_of(holder_));
    EXPECT_EQ(blocks_missing(node_), 0U);
  }

  std::filesystem::path file_ = image_file("x.raw", 2);
  WeftNode holder_{directory_ / "holder" / "state"};
  WeftNode node_{directory_ / "node" / "state"};
};

TEST_F(HostilePeer, of_another_version_is_told_so) {
  const FakePeer fake(hello(900, 901));
  expect_harmless(fake, {ExitCode::unreachable}, "version");
}

TEST_F(HostilePeer, that_sends_a_truncated_frame_and_ends) {
  auto truncated = hello(1, 1) + hello(1, 1);
  truncated.resize(truncated.size() - 5);
  const FakePeer fake(std::move(truncated));
  expect_harmless(fake, {ExitCode::unreachable, ExitCode::verification}, fake.address());
}

TEST_F(HostilePeer, that_announces_an_oversized_frame) {
  // 4 GiB − 1 of payload: nobody takes memory for it.
  auto oversized = hello(1, 1) + hello(1, 1);
  const auto second = oversized.size() / 2;
  std::fill_n(oversized.begin() + static_cast<std::ptrdiff_t>(second), 4, std::byte{0xff});
  const FakePeer fake(std::move(oversized));
  expect_harmless(fake, {ExitCode::unreachable, ExitCode::verification}, fake.address());
}

TEST_F(HostilePeer, that_is_no_weft_at_all) {
  const std::string_view http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  Bytes bytes;
  std::ranges::transform(http, std::back_inserter(bytes), [](char c) { return std::byte(c); });
  const FakePeer fake(std::move(bytes));
  expect_harmless(fake, {ExitCode::unreachable, ExitCode::verification}, fake.address());
}

TEST_F(HostilePeer, whose_bytes_are_damaged_on_the_way_costs_a_connection_not_content) {
  // One bit of the greeting flipped: the frame's hash tells.
  auto damaged = hello(1, 1);
  damaged[damaged.size() - 10] ^= std::byte{1};
  const FakePeer fake(std::move(damaged));
  expect_harmless(fake, {ExitCode::unreachable, ExitCode::verification}, fake.address());
}

TEST_F(HostilePeer, garbage_sent_to_a_node_does_not_keep_it_from_serving) {
  const auto garbage = test::random_blocks(BlockCount(64), 7);
  const auto port = static_cast<std::uint16_t>(std::stoi(holder_.address().substr(10)));
  for (int i = 0; i < 20; ++i) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    ASSERT_EQ(::connect(fd.get(), generic, sizeof address), 0);
    static_cast<void>(::send(fd.get(), garbage.data() + i * 997, 100'000, MSG_NOSIGNAL));
  }
  expect_ok(node_.weft({"materialize", "x", "--peer", holder_.address()}));
}

}  // namespace
}  // namespace weft::testing
