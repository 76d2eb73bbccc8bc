// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/network.h"

#include <gtest/gtest.h>

#include <memory>

namespace weft::sim {
namespace {

using namespace std::chrono_literals;

class NetworkTest : public ::testing::Test {
 protected:
  struct Stream {
    std::size_t left = 0;  // bytes to send
    std::size_t arrived = 0;
    TimePoint done{};
  };
  std::shared_ptr<Stream> send(NodeIndex from, NodeIndex to, std::size_t bytes) {
    auto stream = std::make_shared<Stream>(Stream{.left = bytes});
    const FlowId flow = network.open(from, to, [this, stream]() -> std::optional<Parcel> {
      if (stream->left == 0) return std::nullopt;
      const std::size_t size = std::min<std::size_t>(stream->left, 50'000);
      stream->left -= size;
      return Parcel{size, [this, stream, size] {
                      stream->arrived += size;
                      stream->done = events.now();
                    }};
    });
    network.ready(flow);
    return stream;
  }
  void run(Duration span = 1h) {
    bool over = false;
    events.after(span, [&over] { over = true; });
    while (!over)
      events.run_next();
  }
  double seconds(const std::shared_ptr<Stream>& stream) const {
    return to_seconds(stream->done - begun);
  }

  EventQueue events;
  Network network{events, 1};
  TimePoint begun = events.now();
};

TEST_F(NetworkTest, flow_takes_its_bytes_over_the_rate_and_the_delay) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex b = network.add({});
  network.set_path(a, b, {.rate = 0, .delay = 100ms});
  const auto stream = send(a, b, 10'000'000);
  run();
  EXPECT_NEAR(seconds(stream), 10.1, 0.05);
}

TEST_F(NetworkTest, flows_share_an_uplink_evenly) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex b = network.add({});
  const NodeIndex c = network.add({});
  const auto to_b = send(a, b, 2'000'000);
  const auto to_c = send(a, c, 2'000'000);
  run();
  EXPECT_NEAR(seconds(to_b), 4, 0.2);
  EXPECT_NEAR(seconds(to_c), 4, 0.2);
}

TEST_F(NetworkTest, slow_receiver_leaves_the_uplink_to_others) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex slow = network.add({.up = 0, .down = 1e5});
  const NodeIndex fast = network.add({});
  const auto to_slow = send(a, slow, 1'000'000);
  const auto to_fast = send(a, fast, 4'000'000);
  run();
  EXPECT_LT(seconds(to_fast), 5.2);
  EXPECT_NEAR(seconds(to_slow), 10, 0.5);
}

TEST_F(NetworkTest, site_uplink_is_shared_towards_other_sites_alone) {
  const SiteIndex site = network.add_site(1e6);
  const NodeIndex a = network.add({.up = 1e7, .down = 0, .site = site});
  const NodeIndex b = network.add({.up = 1e7, .down = 0, .site = site});
  const NodeIndex outside = network.add({});
  const auto one = send(a, outside, 2'000'000);
  const auto two = send(b, outside, 2'000'000);
  const auto within = send(a, b, 2'000'000);
  run();
  EXPECT_NEAR(std::max(seconds(one), seconds(two)), 4, 0.3);
  EXPECT_LT(seconds(within), 1);
}

TEST_F(NetworkTest, frozen_node_sends_nothing_and_takes_it_later) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex b = network.add({.up = 1e6});
  const auto out = send(a, b, 1'000'000);
  events.after(500ms, [&] { network.freeze(a); });
  bool heard = false;
  events.after(1s, [&] { network.message(b, a, [&] { heard = true; }); });
  run(10s);
  EXPECT_LT(out->arrived, 600'000U);
  EXPECT_FALSE(heard);
  network.thaw(a);
  run(10s);
  EXPECT_EQ(out->arrived, 1'000'000U);
  EXPECT_TRUE(heard);
}

TEST_F(NetworkTest, throttled_node_sends_at_a_fraction) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex b = network.add({});
  network.throttle(a, 0.1);
  const auto stream = send(a, b, 1'000'000);
  run();
  EXPECT_NEAR(seconds(stream), 10, 0.2);
}

TEST_F(NetworkTest, cut_node_is_never_heard_again) {
  const NodeIndex a = network.add({.up = 1e6});
  const NodeIndex b = network.add({});
  const auto stream = send(a, b, 1'000'000);
  bool heard = false;
  events.after(500ms, [&] { network.cut(a); });
  events.after(1s, [&] { network.message(a, b, [&] { heard = true; }); });
  run();
  EXPECT_LT(stream->arrived, 600'000U);
  EXPECT_FALSE(heard);
}

}  // namespace
}  // namespace weft::sim
