// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/integration/fetcher/lying_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace weft::fetcher::testing {
namespace {

using test::SampleImage;

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

SampleImage random_image(std::uint64_t count, std::uint64_t seed = 1) {
  return SampleImage(test::random_blocks(BlockCount(count), seed));
}

const PeerStatus* find(const std::vector<PeerStatus>& peers, const std::string& address) {
  const auto it = std::ranges::find(peers, address, &PeerStatus::address);
  return it == peers.end() ? nullptr : &*it;
}

/// Inverts the first byte of every block from `first` on.
Disguise liar_from(std::uint64_t first) {
  return [first](Store& truth) {
    return make_lying_store(truth, [first](ByteOffset offset, std::span<std::byte> bytes) {
      for (std::size_t at = 0; at < bytes.size(); at += block_size) {
        if (block_of(offset + ByteCount(at)) >= BlockIndex(first)) bytes[at] = ~bytes[at];
      }
    });
  };
}

/// A target, and nodes that serve it.
class Trouble : public ::testing::Test {
 protected:
  void serve(std::initializer_list<LoopbackNode*> nodes) {
    for (LoopbackNode* node : nodes) {
      node->serve();
      target_.fetcher().add_peer(node->address());
    }
  }
  /// An origin that holds all of `image` as "disk", and serves it.
  std::unique_ptr<LoopbackNode> origin_of(const SampleImage& image, std::string name = "origin") {
    auto origin = std::make_unique<LoopbackNode>(std::move(name));
    origin->hold("disk", image);
    serve({origin.get()});
    return origin;
  }
  /// The target's own, to be filled.
  std::shared_ptr<LocalImage> adopt(const std::string& name_or_id = "disk") {
    auto adopted = target_.adopt(name_or_id);
    if (!adopted) throw std::runtime_error(adopted.error().message());
    return *adopted;
  }
  void expect_materialized(const std::shared_ptr<LocalImage>& local, const SampleImage& image) {
    EXPECT_EQ(target_.materialize(local).state, JobState::done);
    expect_equal(*local, image);
  }
  static void expect_ends(const std::shared_ptr<MaterializeJob>& job, JobState state) {
    EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
    EXPECT_EQ(job->progress().state, state) << job->progress().note;
  }
  static void wait_for_resident(const LocalImage& local, std::uint64_t blocks) {
    EXPECT_TRUE(
        LoopbackNode::eventually([&] { return local.usage().resident > BlockCount(blocks); }));
  }

  LoopbackNode target_{"target"};
};

TEST_F(Trouble, partial_holders_that_together_hold_everything_are_enough) {
  const SampleImage image = random_image(2000);
  LoopbackNode a("a");
  LoopbackNode b("b");
  a.hold("disk", image, "##..");
  b.hold("disk", image, "..##");
  serve({&a, &b});
  const auto local = adopt();
  const auto read = target_.read(local, blocks(100, 64));
  ASSERT_TRUE(read) << read.error().message();
  expect_materialized(local, image);
  EXPECT_EQ(a.served().blocks_sent + b.served().blocks_sent, 2000U) << "nothing came twice";
}

TEST_F(Trouble, a_node_serves_what_it_has_while_it_still_fetches) {
  const SampleImage image = random_image(500);
  LoopbackNode origin("origin");
  LoopbackNode middle("middle");
  origin.hold("disk", image);
  origin.serve();
  middle.fetcher().add_peer(origin.address());
  const auto half = middle.adopt("disk");
  ASSERT_TRUE(half) << half.error().message();
  ASSERT_TRUE(middle.read(*half, blocks(0, 100)));
  serve({&middle});
  const auto local = adopt();
  ASSERT_TRUE(target_.read(local, blocks(10, 50)));
  // A block the middle node gets later is announced, and the read that waits for it goes on.
  Result<FetchOutcome> outcome;
  std::jthread reader([&] { outcome = target_.read(local, blocks(300, 1)); });
  ASSERT_TRUE(middle.read(*half, blocks(300, 1)));
  reader.join();
  EXPECT_TRUE(outcome) << outcome.error().message();
}

TEST_F(Trouble, a_peer_that_dies_midway_is_replaced_by_another_holder) {
  const SampleImage image = random_image(8000);
  auto a = origin_of(image, "a");
  const auto b = origin_of(image, "b");
  const auto local = adopt();
  const auto job = target_.fetcher().materialize(local, {}, nullptr);
  wait_for_resident(*local, 1000);
  a.reset();
  expect_ends(job, JobState::done);
  expect_equal(*local, image);
}

TEST_F(Trouble, without_another_holder_the_job_waits_and_goes_on_when_the_peer_is_back) {
  const SampleImage image = random_image(8000);
  const auto origin = origin_of(image);
  const auto local = adopt();
  const auto job = target_.fetcher().materialize(local, {.bytes_per_second = 8e6}, nullptr);
  wait_for_resident(*local, 500);
  origin->stop();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return job->progress().state == JobState::waiting; }));
  EXPECT_FALSE(job->progress().note.empty());
  origin->start();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return job->progress().state == JobState::running; }));
  job->cancel();
  expect_ends(job, JobState::cancelled);
  expect_materialized(local, image);
}

TEST_F(Trouble, a_lying_peer_is_banned_for_the_image_and_its_blocks_come_from_another) {
  const SampleImage image = random_image(1000);
  LoopbackNode liar("liar", liar_from(200));
  liar.hold("disk", image);
  serve({&liar});
  const auto local = adopt();
  // Alone, the liar cannot answer: the bytes never land.
  const auto alone = target_.read(local, blocks(500, 1), std::chrono::seconds(1));
  ASSERT_FALSE(alone);
  EXPECT_FALSE(local->readable(blocks(500, 1)));
  const auto peers = target_.fetcher().peers();
  ASSERT_NE(find(peers, liar.address()), nullptr);
  EXPECT_EQ(find(peers, liar.address())->banned_for, std::vector{image.info.id});
  EXPECT_EQ(target_.fetcher().statistics().peers_banned, 1U);
  const auto honest = origin_of(image, "honest");
  expect_materialized(local, image);
}

TEST_F(Trouble, a_ban_is_for_one_image_only) {
  const SampleImage bad = random_image(100, 1);
  const SampleImage good = random_image(100, 2);
  LoopbackNode liar("liar", [&](Store& truth) {
    const std::byte first = bad.bytes[0];
    return make_lying_store(truth, [first](ByteOffset offset, std::span<std::byte> bytes) {
      if (offset == ByteOffset(0) && bytes[0] == first) bytes[0] = ~bytes[0];
    });
  });
  ASSERT_NE(bad.bytes[0], good.bytes[0]);
  liar.hold("bad", bad);
  liar.hold("good", good);
  serve({&liar});
  const auto one = adopt("bad");
  const auto two = adopt("good");
  EXPECT_FALSE(target_.read(one, blocks(0, 1), std::chrono::seconds(1)));
  EXPECT_TRUE(target_.read(two, blocks(0, 1), std::chrono::seconds(10)));
}

TEST_F(Trouble, other_content_under_the_same_name_is_ambiguous_and_found_by_id) {
  const SampleImage one = random_image(100, 1);
  const SampleImage two = random_image(100, 2);
  const auto a = origin_of(one, "a");
  const auto b = origin_of(two, "b");
  const auto by_name = target_.locate("disk");
  ASSERT_FALSE(by_name);
  EXPECT_TRUE(by_name.error().is(Errc::ambiguous_image)) << by_name.error().message();
  EXPECT_NE(by_name.error().detail.find(to_hex(two.info.id)), std::string::npos);
  expect_materialized(adopt(to_hex(two.info.id)), two);
}

TEST_F(Trouble, on_a_full_disk_reads_are_answered_from_memory_and_prefetch_waits_for_space) {
  const SampleImage image = random_image(600);
  const auto origin = origin_of(image);
  const auto local = adopt();
  target_.disk.set_space(ByteCount(0));
  const auto outcome = target_.read(local, blocks(300, 3));
  ASSERT_TRUE(outcome) << outcome.error().message();
  ASSERT_EQ(outcome->loose.size(), 3U);
  for (const LooseBlock& block : outcome->loose) {
    EXPECT_TRUE(std::ranges::equal(*block.bytes, image.block(block.index.value())));
  }
  EXPECT_FALSE(local->readable(blocks(300, 1)));

  const auto job = target_.fetcher().materialize(local, {}, nullptr);
  EXPECT_TRUE(
      LoopbackNode::eventually([&] { return job->progress().state == JobState::disk_full; }));
  target_.disk.set_space(ByteCount(1U << 30U));
  expect_ends(job, JobState::done);
  expect_equal(*local, image);
}

TEST_F(Trouble, a_dead_address_does_not_keep_others_from_being_used) {
  const SampleImage image = random_image(100);
  target_.fetcher().add_peer("127.0.0.1:1");
  const auto origin = origin_of(image);
  expect_materialized(adopt(), image);
  const auto peers = target_.fetcher().peers();
  const PeerStatus* dead = find(peers, "127.0.0.1:1");
  ASSERT_NE(dead, nullptr);
  EXPECT_NE(dead->state, PeerState::connected);
  EXPECT_FALSE(dead->last_error.empty());
}

TEST_F(Trouble, removing_a_peer_moves_its_work_to_another) {
  const SampleImage image = random_image(4000);
  const auto a = origin_of(image, "a");
  const auto b = origin_of(image, "b");
  const auto local = adopt();
  const auto job = target_.fetcher().materialize(local, {}, nullptr);
  wait_for_resident(*local, 200);
  target_.fetcher().remove_peer(a->address());
  expect_ends(job, JobState::done);
  EXPECT_EQ(target_.fetcher().peers().size(), 1U);
  expect_equal(*local, image);
}

TEST_F(Trouble, a_detached_image_is_let_go) {
  const SampleImage image = random_image(100);
  const auto origin = origin_of(image);
  auto local = adopt();
  ASSERT_TRUE(target_.read(local, blocks(0, 10)));
  target_.fetcher().detach(image.info.id);
  local.reset();
  EXPECT_TRUE(
      LoopbackNode::eventually([&] { return target_.fetcher().statistics().images.empty(); }));
  EXPECT_TRUE(target_.store().remove("disk"));
}

}  // namespace
}  // namespace weft::fetcher::testing
