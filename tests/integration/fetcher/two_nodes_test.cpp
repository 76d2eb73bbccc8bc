// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using test::SampleImage;

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// 1000 blocks of random data, 3000 zero blocks, 500 of data: two levels above the leaves… of
/// holes.
SampleImage sparse_image(std::uint64_t seed = 1) {
  std::vector<std::byte> bytes = test::random_blocks(BlockCount(1000), seed);
  bytes.resize(4000 * block_size);
  const std::vector<std::byte> tail = test::random_blocks(BlockCount(500), seed + 1);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return SampleImage(std::move(bytes));
}

class TwoNodes : public ::testing::Test {
 protected:
  void connect() {
    origin.serve();
    target.fetcher().add_peer(origin.address());
  }
  LoopbackNode origin{"origin"};
  LoopbackNode target{"target"};
};

TEST_F(TwoNodes, a_cold_read_brings_the_block_and_its_path_only) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto outcome = target.read(*local, blocks(4321, 1));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_TRUE(outcome->loose.empty());
  std::vector<std::byte> bytes(block_size);
  ASSERT_TRUE((*local)->read(offset_of(BlockIndex(4321)), bytes));
  EXPECT_TRUE(std::ranges::equal(bytes, image.block(4321)));
  EXPECT_EQ(origin.served().blocks_sent, 1U);
}

TEST_F(TwoNodes, zero_blocks_are_answered_without_being_sent) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  ASSERT_TRUE(target.read(*local, blocks(1500, 8)));
  EXPECT_TRUE((*local)->readable(blocks(1500, 8)));
  EXPECT_EQ(origin.served().blocks_sent, 0U);
}

TEST_F(TwoNodes, materializing_makes_an_equal_image_that_needs_no_network) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const MaterializeProgress progress = target.materialize(*local);
  EXPECT_EQ(progress.state, JobState::done) << progress.note;
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_TRUE((*local)->usage().complete);
  origin.stop_serving();
  expect_equal(**local, image);
  EXPECT_EQ(target.fetcher().statistics().received, bytes_of(BlockCount(1500)));
}

TEST_F(TwoNodes, nothing_resident_is_fetched_again_after_a_restart) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  {
    const auto local = target.adopt("disk");
    ASSERT_TRUE(local) << local.error().message();
    ASSERT_TRUE(target.read(*local, blocks(0, 700)));
  }
  const std::uint64_t sent = origin.served().blocks_sent;
  EXPECT_EQ(sent, 700U);
  target.stop();
  target.start();
  target.fetcher().add_peer(origin.address());
  const auto local = target.store().image(image.info.id);
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  EXPECT_EQ(origin.served().blocks_sent, 1500U);
  expect_equal(**local, image);
}

TEST_F(TwoNodes, sixty_four_concurrent_readers_of_one_block_make_one_fetch) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  constexpr int readers = 64;
  std::atomic<int> good = 0;
  std::latch start(readers);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < readers; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        if (target.read(*local, blocks(77, 1))) ++good;
      });
    }
  }
  EXPECT_EQ(good, readers);
  EXPECT_EQ(origin.served().blocks_sent, 1U);
  EXPECT_EQ(target.fetcher().statistics().reads, 64U);
}

TEST_F(TwoNodes, reads_hold_while_the_peer_is_away_and_are_answered_when_it_is_back) {
  const SampleImage image = sparse_image();
  origin.hold("disk", image);
  connect();
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  origin.stop_serving();
  Result<FetchOutcome> outcome;
  std::jthread reader([&] { outcome = target.read(*local, blocks(5, 1)); });
  EXPECT_TRUE(
      LoopbackNode::eventually([&] { return target.fetcher().statistics().reads_waiting == 1; }));
  origin.serve();
  reader.join();
  EXPECT_TRUE(outcome) << outcome.error().message();
}

TEST_F(TwoNodes, a_read_that_does_not_hold_fails_at_once_without_a_source) {
  const SampleImage image = sparse_image();
  const auto local = target.store().adopt("disk", image.info);
  ASSERT_TRUE(local);
  const auto outcome = target.read(*local, blocks(5, 1), std::chrono::seconds(30), false);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::no_source)) << outcome.error().message();
}

TEST_F(TwoNodes, a_deadline_names_block_and_peers) {
  const SampleImage image = sparse_image();
  const auto local = target.store().adopt("disk", image.info);
  ASSERT_TRUE(local);
  const auto outcome = target.read(*local, blocks(5, 1), std::chrono::seconds(1));
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::deadline_passed));
  EXPECT_NE(outcome.error().detail.find("block 5"), std::string::npos) << outcome.error().detail;
}

TEST_F(TwoNodes, stopping_answers_every_waiting_read) {
  const SampleImage image = sparse_image();
  const auto local = target.store().adopt("disk", image.info);
  ASSERT_TRUE(local);
  std::atomic<int> cancelled = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    target.fetcher().read({*local, blocks(i, 1), steady_clock().now() + std::chrono::hours(1)},
                          [&](const Result<FetchOutcome>& outcome) {
                            if (!outcome && outcome.error().is(Errc::cancelled)) ++cancelled;
                          });
  }
  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  target.fetcher().stop();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return cancelled == 100; }));
  EXPECT_EQ(job->progress().state, JobState::cancelled);
}

TEST_F(TwoNodes, a_cancelled_read_ends_at_once) {
  const SampleImage image = sparse_image();
  const auto local = target.store().adopt("disk", image.info);
  ASSERT_TRUE(local);
  std::atomic<bool> cancelled = false;
  const FetchTicket ticket =
      target.fetcher().read({*local, blocks(0, 1), steady_clock().now() + std::chrono::hours(1)},
                            [&](const Result<FetchOutcome>& outcome) {
                              cancelled = !outcome && outcome.error().is(Errc::cancelled);
                            });
  target.fetcher().cancel(ticket);
  EXPECT_TRUE(LoopbackNode::eventually([&] { return cancelled.load(); }));
}

TEST_F(TwoNodes, locating_tells_unknown_from_unreachable) {
  auto result = target.locate("disk");
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Errc::peer_unreachable)) << result.error().message();
  connect();
  result = target.locate("disk");
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Errc::unknown_image)) << result.error().message();
}

TEST_F(TwoNodes, an_own_address_is_recognised) {
  origin.serve();
  origin.fetcher().add_peer(origin.address());
  EXPECT_TRUE(LoopbackNode::eventually([&] {
    const auto peers = origin.fetcher().peers();
    return peers.size() == 1 && peers[0].state == PeerState::self;
  }));
}

TEST_F(TwoNodes, two_addresses_of_one_node_are_one_peer) {
  connect();
  target.fetcher().add_peer("localhost:" + origin.address().substr(origin.address().find(':') + 1));
  EXPECT_TRUE(LoopbackNode::eventually([&] {
    int connected = 0;
    int duplicate = 0;
    for (const PeerStatus& peer : target.fetcher().peers()) {
      connected += peer.state == PeerState::connected;
      duplicate += peer.state == PeerState::duplicate;
    }
    return connected == 1 && duplicate == 1;
  }));
}

}  // namespace
}  // namespace weft::fetcher::testing
