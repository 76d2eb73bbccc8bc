// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/frame_source.h"
#include "fetcher/peer/peer_server.h"
#include "fetcher/wire/codec.h"
#include "fetcher/wire/failure_code.h"
#include "indexer/core/hash.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

// The server against a peer that speaks raw frames: what an honest session never does.
namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

/// A hand-made client.
class RawPeer {
 public:
  explicit RawPeer(std::unique_ptr<Stream> stream)
      : stream_(std::move(stream)), source_(*stream_, [](std::size_t) {}) {}

  Awaitable<void> send(wire::Message message, std::uint32_t id = 0,
                       Priority priority = Priority::control) {
    const auto frame = wire::encode(message, id, priority);
    co_await send_bytes(frame);
  }
  Awaitable<void> send_bytes(std::vector<std::byte> bytes) {
    EXPECT_TRUE(co_await stream_->write(bytes));
  }
  /// nullopt: the server has closed.
  Awaitable<std::optional<wire::Message>> receive() {
    const auto frame = co_await source_.next();
    if (!frame || !*frame) co_return std::nullopt;
    last_header_ = (*frame)->header;
    co_return wire::decode((*frame)->payload, (*frame)->header.type).value();
  }
  [[nodiscard]] const wire::FrameHeader& header() const { return last_header_; }
  [[nodiscard]] Stream& stream() { return *stream_; }

 private:
  std::unique_ptr<Stream> stream_;
  FrameSource source_;
  wire::FrameHeader last_header_;
};

class PeerServerTest : public ::testing::Test {
 protected:
  void run(std::function<Awaitable<void>(RawPeer&)> body) {
    pair_.run_server([&] { return with_peer(body); });
  }
  Awaitable<void> with_peer(const std::function<Awaitable<void>(RawPeer&)>& body) {
    auto stream = co_await pair_.world.network().dial(pair_.address, pair_.in(5s));
    RawPeer peer(std::move(*stream));
    co_await body(peer);
    peer.stream().close();
  }
  Awaitable<void> greet(RawPeer& peer) {
    co_await peer.send(hello("raw"));
    const auto answer = co_await peer.receive();
    EXPECT_TRUE(answer && std::holds_alternative<wire::Hello>(*answer));
  }
  Awaitable<void> expect_turned_away(RawPeer& peer, Errc code) {
    const auto answer = co_await peer.receive();
    const auto* failure = answer ? std::get_if<wire::Failure>(&*answer) : nullptr;
    EXPECT_NE(failure, nullptr);
    if (failure != nullptr) EXPECT_EQ(wire::from_failure_code(failure->code), code);
    EXPECT_EQ(peer.header().request, 0u);
    EXPECT_FALSE(co_await peer.receive()) << "the connection is still open";
    co_await sleep_until(pair_.world.timers(), pair_.in(2s));
    EXPECT_EQ(pair_.server->stats().protocol_errors, 1u);
    EXPECT_EQ(pair_.server->stats().connections, 0u);
  }

  PeerPair pair_;
};

TEST_F(PeerServerTest, another_protocol_version_is_told_so) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    wire::Hello future = hello("future");
    future.version_min = 2;
    future.version_max = 9;
    co_await peer.send(future);
    co_await expect_turned_away(peer, Errc::peer_version);
  });
}

TEST_F(PeerServerTest, a_client_of_later_versions_too_is_served_in_the_common_one) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    wire::Hello newer = hello("newer");
    newer.version_max = 9;
    newer.features = ~std::uint64_t{0};
    co_await peer.send(newer);
    const auto answer = co_await peer.receive();
    EXPECT_TRUE(answer && std::holds_alternative<wire::Hello>(*answer));
  });
}

TEST_F(PeerServerTest, what_is_not_weft_is_turned_away) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    const std::string_view http = "GET / HTTP/1.1\r\nHost: weft\r\n\r\n";
    const auto bytes = std::as_bytes(std::span(http));
    co_await peer.send_bytes({bytes.begin(), bytes.end()});
    co_await expect_turned_away(peer, Errc::peer_misbehaved);
  });
}

TEST_F(PeerServerTest, a_request_before_hello_is_a_protocol_error) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await peer.send(wire::ImageListRequest{}, 1);
    co_await expect_turned_away(peer, Errc::peer_misbehaved);
  });
}

TEST_F(PeerServerTest, requests_may_follow_hello_without_waiting) {
  pair_.store.add("deb12", mixed_content(8));
  run([&](RawPeer& peer) -> Awaitable<void> {
    auto bytes = wire::encode(hello("raw"), 0, Priority::control);
    const auto request = wire::encode(wire::ImageListRequest{}, 5, Priority::control);
    bytes.insert(bytes.end(), request.begin(), request.end());
    co_await peer.send_bytes(std::move(bytes));
    EXPECT_TRUE(std::holds_alternative<wire::Hello>(*co_await peer.receive()));
    const auto list = co_await peer.receive();
    EXPECT_EQ(std::get<wire::ImageList>(*list).images.size(), 1u);
    EXPECT_EQ(peer.header().request, 5u);
  });
}

TEST_F(PeerServerTest, damaged_frames_end_the_connection) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    auto bytes = wire::encode(wire::Ping{1}, 0, Priority::control);
    bytes[17] ^= std::byte{1};
    co_await peer.send_bytes(std::move(bytes));
    co_await expect_turned_away(peer, Errc::peer_misbehaved);
  });
}

TEST_F(PeerServerTest, an_oversized_frame_is_refused_by_its_header_alone) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    auto bytes = wire::encode(wire::Ping{1}, 0, Priority::control);
    bytes[3] = std::byte{0x7f};  // the length's highest byte: 2 GiB
    bytes.resize(wire::header_size);
    co_await peer.send_bytes(std::move(bytes));
    co_await expect_turned_away(peer, Errc::peer_misbehaved);
  });
}

TEST_F(PeerServerTest, a_request_id_in_use_is_a_protocol_error) {
  const auto image = pair_.store.add("deb12", mixed_content(400));
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    const auto request =
        wire::encode(wire::BlocksRequest{image->info().id, {{BlockIndex(0), BlockCount(400)}}}, 7,
                     Priority::prefetch);
    auto twice = request;
    twice.insert(twice.end(), request.begin(), request.end());
    co_await peer.send_bytes(std::move(twice));
    co_await expect_turned_away(peer, Errc::peer_misbehaved);
  });
}

TEST_F(PeerServerTest, an_unknown_request_type_fails_alone) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    std::vector<std::byte> frame = wire::encode(wire::Ping{1}, 9, Priority::control);
    frame[6] = std::byte{200};
    const std::uint64_t hash = xxh3(std::span(frame).first(frame.size() - wire::trailer_size));
    for (std::size_t i = 0; i < 8; ++i) {
      frame[frame.size() - 8 + i] = static_cast<std::byte>(hash >> (8 * i));
    }
    co_await peer.send_bytes(std::move(frame));
    const auto answer = co_await peer.receive();
    EXPECT_EQ(wire::from_failure_code(std::get<wire::Failure>(*answer).code), Errc::unsupported);
    EXPECT_EQ(peer.header().request, 9u);
    co_await peer.send(wire::Ping{77});
    EXPECT_EQ(std::get<wire::Pong>(*co_await peer.receive()).token, 77u);
  });
}

TEST_F(PeerServerTest, a_request_of_a_feature_not_agreed_upon_fails_alone) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    wire::Hello old = hello("old");
    old.features = 0;
    co_await peer.send(old);
    (void)co_await peer.receive();
    co_await peer.send(wire::HaveRequest{.key_bytes = 5, .keys = {1}}, 9, Priority::readahead);
    const auto answer = co_await peer.receive();
    EXPECT_EQ(wire::from_failure_code(std::get<wire::Failure>(*answer).code), Errc::unsupported);
    EXPECT_EQ(peer.header().request, 9u);
    co_await peer.send(wire::Ping{77});
    EXPECT_EQ(std::get<wire::Pong>(*co_await peer.receive()).token, 77u);
  });
}

TEST_F(PeerServerTest, what_images_share_is_never_answered_ahead_of_blocks) {
  const auto image = pair_.store.add("deb12", mixed_content(16));
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    co_await peer.send(wire::SignatureRequest{image->info().id, 100}, 1, Priority::control);
    EXPECT_TRUE(std::holds_alternative<wire::SignatureAnswer>(*co_await peer.receive()));
    EXPECT_EQ(peer.header().priority, Priority::readahead);
    co_await peer.send(wire::SignatureRequest{image->info().id, 100}, 2, Priority::prefetch);
    EXPECT_TRUE(std::holds_alternative<wire::SignatureAnswer>(*co_await peer.receive()));
    EXPECT_EQ(peer.header().priority, Priority::prefetch);
  });
}

TEST_F(PeerServerTest, blocks_past_the_end_of_the_image_fail_the_request_alone) {
  const auto image = pair_.store.add("deb12", mixed_content(16));
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    co_await peer.send(wire::BlocksRequest{image->info().id, {{BlockIndex(10), BlockCount(7)}}}, 1,
                       Priority::demand);
    const auto answer = co_await peer.receive();
    EXPECT_EQ(wire::from_failure_code(std::get<wire::Failure>(*answer).code), Errc::bad_request);
    co_await peer.send(wire::BlocksRequest{image->info().id, {{BlockIndex(10), BlockCount(6)}}}, 2,
                       Priority::demand);
    EXPECT_TRUE(std::holds_alternative<wire::BlockBatch>(*co_await peer.receive()));
  });
}

TEST_F(PeerServerTest, silence_before_hello_and_after_it_ends_the_connection) {
  run([&](RawPeer& peer) -> Awaitable<void> {
    const TimePoint begun = pair_.world.timers().now();
    EXPECT_FALSE(co_await peer.receive());
    EXPECT_EQ(pair_.world.timers().now(), begun + pair_.server_options.handshake_timeout);
    EXPECT_EQ(pair_.server->stats().protocol_errors, 0u);
  });
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    const TimePoint begun = pair_.world.timers().now();
    EXPECT_FALSE(co_await peer.receive());
    EXPECT_EQ(pair_.world.timers().now(), begun + pair_.server_options.idle_timeout);
  });
}

TEST_F(PeerServerTest, a_peer_that_asks_and_does_not_read_costs_little_and_is_dropped) {
  const auto image = pair_.store.add("deb12", mixed_content(4096));
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    for (std::uint32_t id = 1; id <= 500; ++id) {
      co_await peer.send(wire::BlocksRequest{image->info().id, {{BlockIndex(0), BlockCount(4096)}}},
                         id, Priority::prefetch);
    }
    co_await sleep_until(pair_.world.timers(), pair_.in(1s));
    // What was made is what the link's buffer took, and the look-ahead.
    const auto stats = pair_.server->stats();
    EXPECT_EQ(stats.requests, 500u);
    EXPECT_LE(stats.batches, 20u);
    EXPECT_EQ(stats.connections, 1u);
    co_await sleep_until(pair_.world.timers(), pair_.in(pair_.server_options.write_timeout));
    EXPECT_EQ(pair_.server->stats().connections, 0u);
  });
}

TEST_F(PeerServerTest, requests_above_the_bound_are_not_read) {
  pair_.server_options.request_bytes = 100'000;
  const auto image = pair_.store.add("deb12", mixed_content(4096));
  ConnectionFaults narrow;
  narrow.to_server.buffer = 4096;
  pair_.world.network().set_default_faults(narrow);
  run([&](RawPeer& peer) -> Awaitable<void> {
    co_await greet(peer);
    const Deadline give_up(pair_.world.timers(), pair_.in(20s), [&] { peer.stream().close(); });
    std::uint32_t sent = 0;
    while (sent < 100) {
      std::vector<BlockRange> ranges;
      for (std::uint64_t i = 0; i < 1000; ++i)
        ranges.push_back({BlockIndex(4 * i + 2), BlockCount(1)});
      const auto frame = wire::encode(wire::BlocksRequest{image->info().id, std::move(ranges)},
                                      ++sent, Priority::prefetch);
      const auto written = co_await peer.stream().write(frame);
      if (!written) break;
    }
    EXPECT_LE(sent, 14u);
  });
}

TEST_F(PeerServerTest, connections_above_the_bound_are_closed_at_once) {
  pair_.server_options.max_connections = 2;
  run([&](RawPeer& first) -> Awaitable<void> {
    co_await greet(first);
    auto second = RawPeer(*co_await pair_.world.network().dial(pair_.address, pair_.in(5s)));
    co_await greet(second);
    auto third = RawPeer(*co_await pair_.world.network().dial(pair_.address, pair_.in(5s)));
    EXPECT_FALSE(co_await third.receive());
    EXPECT_EQ(pair_.server->stats().connections_refused, 1u);
    second.stream().close();
    co_await sleep_until(pair_.world.timers(), pair_.in(1s));
    auto fourth = RawPeer(*co_await pair_.world.network().dial(pair_.address, pair_.in(5s)));
    co_await greet(fourth);
    fourth.stream().close();
    third.stream().close();
  });
}

}  // namespace
}  // namespace weft::fetcher::testing
