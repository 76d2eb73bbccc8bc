// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/io_thread.h"
#include "fetcher/net/tcp_network.h"
#include "fetcher/peer/connect.h"
#include "fetcher/wire/batch.h"
#include "fetcher/wire/codec.h"
#include "tests/integration/fetcher/loopback_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Sessions over real TCP with a node that serves a real store.
namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using test::SampleImage;
using wire::Priority;

constexpr std::uint64_t image_blocks = 2048;

SampleImage sample() {
  auto bytes = test::random_blocks(BlockCount(image_blocks), 11);
  for (std::uint64_t b = 0; b < image_blocks; b += 8) {
    std::ranges::fill(std::span(bytes).subspan(b * block_size, block_size), std::byte{});
  }
  return SampleImage(std::move(bytes));
}

class PeerTcp : public ::testing::Test {
 protected:
  /// Runs `body` on the client's I/O thread with a session to the node.
  void run(std::function<Awaitable<void>(PeerSession&)> body) {
    const Address address = *parse_address(node_.address());
    io_.run([&]() -> Awaitable<void> {
      TaskGroup tasks(io_.executor());
      PeerContext context{*network_, io_.timers(), tasks};
      PeerOptions options;
      options.hello.name = "client";
      auto session = co_await connect_peer(context, address, options, in(10s));
      EXPECT_TRUE(session) << (session ? "" : session.error().message());
      if (session) {
        co_await body(**session);
        (*session)->close();
      }
      co_await tasks.stop();
    });
  }
  [[nodiscard]] TimePoint in(Duration span) const { return steady_clock().now() + span; }
  /// Waits on the I/O thread; false after 20 s.
  Awaitable<bool> until(std::function<bool()> condition) {
    const TimePoint give_up = in(20s);
    while (!condition() && steady_clock().now() < give_up) {
      co_await sleep_until(io_.timers(), in(2ms));
    }
    co_return condition();
  }

  SampleImage image_ = sample();
  LoopbackNode node_{"server"};
  IoThread io_;
  std::unique_ptr<Network> network_ = make_tcp_network(io_.executor());
};

/// Blocks as they arrive, compared with the image.
struct Arrivals {
  const SampleImage& image;
  std::uint64_t blocks = 0;
  std::uint64_t zero = 0;
  std::size_t ended = 0;
  std::size_t failed = 0;

  void take(Result<wire::BlockBatch> batch, bool last) {
    if (!batch) {
      ++failed;
      ++ended;
      return;
    }
    for (const BlockRange& range : batch->zero)
      zero += range.count.value();
    const auto ranges = batch->ranges;
    const auto plain = wire::unpack(*std::move(batch));
    ASSERT_TRUE(plain);
    std::size_t at = 0;
    for (const BlockRange& range : ranges) {
      const std::size_t size = bytes_of(range.count).value();
      EXPECT_TRUE(std::ranges::equal(std::span(*plain).subspan(at, size),
                                     image.block(range.first.value(), range.count.value())));
      at += size;
      blocks += range.count.value();
    }
    ended += last ? 1 : 0;
  }
  [[nodiscard]] PeerSession::OnBatch handler() {
    return [this](Result<wire::BlockBatch> batch, bool last) { take(std::move(batch), last); };
  }
};

TEST_F(PeerTcp, pipelined_requests_bring_the_whole_image) {
  node_.hold("deb12", image_);
  node_.serve();
  Arrivals all{image_};
  run([&](PeerSession& session) -> Awaitable<void> {
    const auto found = co_await session.find_image("deb12", BlockIndex(1000), in(5s));
    EXPECT_TRUE(found && found->image.info == image_.info);
    for (std::uint64_t at = 0; at < image_blocks; at += 64) {
      session.blocks(image_.info.id, {{BlockIndex(at), BlockCount(64)}},
                     at % 128 == 0 ? Priority::demand : Priority::prefetch, all.handler());
    }
    EXPECT_TRUE(co_await until([&] { return all.ended == image_blocks / 64; }));
    EXPECT_GT(session.stats().bytes_received, all.blocks * block_size);
    EXPECT_GT(session.link().samples, 0u);
  });
  EXPECT_EQ(all.failed, 0u);
  EXPECT_EQ(all.blocks, image_blocks / 8 * 7);
  EXPECT_EQ(all.zero, image_blocks / 8);
  EXPECT_EQ(node_.served().blocks_sent, all.blocks);
}

TEST_F(PeerTcp, residency_is_announced_as_it_grows) {
  const auto held = node_.hold("deb12", image_, "#...............");
  node_.serve();
  std::vector<bool> known(image_blocks);
  std::atomic<bool> grown = false;
  std::jthread guest;
  run([&](PeerSession& session) -> Awaitable<void> {
    session.watch_residency(image_.info.id, [&](const wire::Residency& residency) {
      for (const BlockRange& range : residency.added) {
        for (BlockIndex b = range.first; b < range.end(); ++b)
          known[b.value()] = true;
      }
    });
    EXPECT_TRUE(co_await until([&] { return known[16]; }));
    EXPECT_FALSE(known[101]);
    guest = std::jthread([&] { grown = image_.send_blocks(*held, 100, 4).has_value(); });
    EXPECT_TRUE(co_await until([&] { return known[101] && known[103]; }));
    EXPECT_FALSE(known[105]);
  });
  EXPECT_TRUE(grown);
}

TEST_F(PeerTcp, a_server_that_ends_in_the_middle_of_answers_ends_each_request_once) {
  node_.hold("deb12", image_);
  node_.serve();
  Arrivals all{image_};
  std::size_t closed = 0;
  std::jthread killer;
  run([&](PeerSession& session) -> Awaitable<void> {
    session.on_closed([&](const Error& error) {
      ++closed;
      EXPECT_EQ(all.ended, 100u);
      EXPECT_TRUE(error.is(Errc::peer_unreachable)) << error.message();
    });
    for (int i = 0; i < 100; ++i) {
      session.blocks(image_.info.id, {{BlockIndex(0), BlockCount(image_blocks)}},
                     Priority::prefetch, all.handler());
    }
    EXPECT_TRUE(co_await until([&] { return all.blocks > 300; }));
    killer = std::jthread([&] { node_.stop_serving(); });
    EXPECT_TRUE(co_await until([&] { return closed > 0; }));
  });
  EXPECT_EQ(closed, 1u);
  EXPECT_EQ(all.ended, 100u);
  EXPECT_GT(all.failed, 0u);
}

TEST_F(PeerTcp, a_peer_that_does_not_read_makes_the_server_wait_not_buffer) {
  node_.hold("deb12", image_);
  node_.serve();
  const Address address = *parse_address(node_.address());
  std::uint64_t batches = 0;
  io_.run([&]() -> Awaitable<void> {
    auto stream = co_await network_->dial(address, in(10s));
    auto bytes = wire::encode(wire::Hello{.node = {}, .name = {}}, 0, Priority::control);
    for (std::uint32_t id = 1; id <= 200; ++id) {
      const auto frame = wire::encode(
          wire::BlocksRequest{image_.info.id, {{BlockIndex(0), BlockCount(image_blocks)}}}, id,
          Priority::prefetch);
      bytes.insert(bytes.end(), frame.begin(), frame.end());
    }
    EXPECT_TRUE(co_await (*stream)->write(bytes));
    // Until nothing more is made for a while.
    for (int quiet = 0; quiet < 10; ++quiet) {
      co_await sleep_until(io_.timers(), in(50ms));
      const std::uint64_t now = node_.served().batches;
      if (std::exchange(batches, now) != now) quiet = 0;
    }
    (*stream)->close();
  });
  // 200 answers are 11,000 batches, 1.4 GB; the kernel's buffers take a few dozen.
  EXPECT_GT(batches, 0u);
  EXPECT_LT(batches, 300u);
}

}  // namespace
}  // namespace weft::fetcher::testing
