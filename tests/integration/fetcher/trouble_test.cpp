// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/integration/fetcher/lying_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

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

TEST(Trouble, partial_holders_that_together_hold_everything_are_enough) {
  const SampleImage image = random_image(2000);
  LoopbackNode a("a");
  LoopbackNode b("b");
  LoopbackNode target("target");
  a.hold("disk", image, "##..");
  b.hold("disk", image, "..##");
  for (LoopbackNode* node : {&a, &b}) {
    node->serve();
    target.fetcher().add_peer(node->address());
  }
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto read = target.read(*local, blocks(100, 64));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
  EXPECT_EQ(a.served().blocks_sent + b.served().blocks_sent, 2000U) << "nothing came twice";
}

TEST(Trouble, a_node_serves_what_it_has_while_it_still_fetches) {
  const SampleImage image = random_image(500);
  LoopbackNode origin("origin");
  LoopbackNode middle("middle");
  LoopbackNode target("target");
  origin.hold("disk", image);
  origin.serve();
  middle.fetcher().add_peer(origin.address());
  const auto half = middle.adopt("disk");
  ASSERT_TRUE(half) << half.error().message();
  ASSERT_TRUE(middle.read(*half, blocks(0, 100)));
  middle.serve();
  target.fetcher().add_peer(middle.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  ASSERT_TRUE(target.read(*local, blocks(10, 50)));
  // A block the middle node gets later is announced, and the read that waits for it goes on.
  Result<FetchOutcome> outcome;
  std::jthread reader([&] { outcome = target.read(*local, blocks(300, 1)); });
  ASSERT_TRUE(middle.read(*half, blocks(300, 1)));
  reader.join();
  EXPECT_TRUE(outcome) << outcome.error().message();
}

TEST(Trouble, a_peer_that_dies_midway_is_replaced_by_another_holder) {
  const SampleImage image = random_image(8000);
  auto a = std::make_unique<LoopbackNode>("a");
  LoopbackNode b("b");
  LoopbackNode target("target");
  a->hold("disk", image);
  b.hold("disk", image);
  for (LoopbackNode* node : {a.get(), &b}) {
    node->serve();
    target.fetcher().add_peer(node->address());
  }
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  LoopbackNode::eventually([&] { return (*local)->usage().resident > BlockCount(1000); });
  a.reset();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::done) << job->progress().note;
  expect_equal(**local, image);
}

TEST(Trouble, without_another_holder_the_job_waits_and_goes_on_when_the_peer_is_back) {
  const SampleImage image = random_image(8000);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  origin.hold("disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto job = target.fetcher().materialize(*local, {.bytes_per_second = 8e6}, nullptr);
  LoopbackNode::eventually([&] { return (*local)->usage().resident > BlockCount(500); });
  origin.stop();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return job->progress().state == JobState::waiting; }));
  EXPECT_FALSE(job->progress().note.empty());
  origin.start();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return job->progress().state == JobState::running; }));
  job->cancel();
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::cancelled);
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
}

TEST(Trouble, a_lying_peer_is_banned_for_the_image_and_its_blocks_come_from_another) {
  const SampleImage image = random_image(1000);
  LoopbackNode liar("liar", liar_from(200));
  LoopbackNode honest("honest");
  LoopbackNode target("target");
  liar.hold("disk", image);
  honest.hold("disk", image);
  liar.serve();
  target.fetcher().add_peer(liar.address());
  auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  // Alone, the liar cannot answer: the bytes never land.
  const auto alone = target.read(*local, blocks(500, 1), std::chrono::seconds(1));
  ASSERT_FALSE(alone);
  EXPECT_FALSE((*local)->readable(blocks(500, 1)));
  auto peers = target.fetcher().peers();
  ASSERT_NE(find(peers, liar.address()), nullptr);
  EXPECT_EQ(find(peers, liar.address())->banned_for, std::vector{image.info.id});
  EXPECT_EQ(target.fetcher().statistics().peers_banned, 1U);
  honest.serve();
  target.fetcher().add_peer(honest.address());
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, image);
}

TEST(Trouble, a_ban_is_for_one_image_only) {
  const SampleImage bad = random_image(100, 1);
  const SampleImage good = random_image(100, 2);
  LoopbackNode liar("liar", [&](Store& truth) {
    const std::byte first = bad.bytes[0];
    return make_lying_store(truth, [first](ByteOffset offset, std::span<std::byte> bytes) {
      if (offset == ByteOffset(0) && bytes[0] == first) bytes[0] = ~bytes[0];
    });
  });
  LoopbackNode target("target");
  ASSERT_NE(bad.bytes[0], good.bytes[0]);
  liar.hold("bad", bad);
  liar.hold("good", good);
  liar.serve();
  target.fetcher().add_peer(liar.address());
  const auto one = target.adopt("bad");
  const auto two = target.adopt("good");
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(target.read(*one, blocks(0, 1), std::chrono::seconds(1)));
  EXPECT_TRUE(target.read(*two, blocks(0, 1), std::chrono::seconds(10)));
}

TEST(Trouble, other_content_under_the_same_name_is_ambiguous_and_found_by_id) {
  const SampleImage one = random_image(100, 1);
  const SampleImage two = random_image(100, 2);
  LoopbackNode a("a");
  LoopbackNode b("b");
  LoopbackNode target("target");
  a.hold("disk", one);
  b.hold("disk", two);
  for (LoopbackNode* node : {&a, &b}) {
    node->serve();
    target.fetcher().add_peer(node->address());
  }
  const auto by_name = target.locate("disk");
  ASSERT_FALSE(by_name);
  EXPECT_TRUE(by_name.error().is(Errc::ambiguous_image)) << by_name.error().message();
  EXPECT_NE(by_name.error().detail.find(to_hex(two.info.id)), std::string::npos);
  const auto local = target.adopt(to_hex(two.info.id));
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  expect_equal(**local, two);
}

TEST(Trouble, on_a_full_disk_reads_are_answered_from_memory_and_prefetch_waits_for_space) {
  const SampleImage image = random_image(600);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  origin.hold("disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  target.disk.set_space(ByteCount(0));
  const auto outcome = target.read(*local, blocks(300, 3));
  ASSERT_TRUE(outcome) << outcome.error().message();
  ASSERT_EQ(outcome->loose.size(), 3U);
  for (const LooseBlock& block : outcome->loose) {
    EXPECT_TRUE(std::ranges::equal(*block.bytes, image.block(block.index.value())));
  }
  EXPECT_FALSE((*local)->readable(blocks(300, 1)));

  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  EXPECT_TRUE(
      LoopbackNode::eventually([&] { return job->progress().state == JobState::disk_full; }));
  target.disk.set_space(ByteCount(1U << 30U));
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::done) << job->progress().note;
  expect_equal(**local, image);
}

TEST(Trouble, a_dead_address_does_not_keep_others_from_being_used) {
  const SampleImage image = random_image(100);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  origin.hold("disk", image);
  origin.serve();
  target.fetcher().add_peer("127.0.0.1:1");
  target.fetcher().add_peer(origin.address());
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(target.materialize(*local).state, JobState::done);
  const auto peers = target.fetcher().peers();
  const PeerStatus* dead = find(peers, "127.0.0.1:1");
  ASSERT_NE(dead, nullptr);
  EXPECT_NE(dead->state, PeerState::connected);
  EXPECT_FALSE(dead->last_error.empty());
}

TEST(Trouble, removing_a_peer_moves_its_work_to_another) {
  const SampleImage image = random_image(4000);
  LoopbackNode a("a");
  LoopbackNode b("b");
  LoopbackNode target("target");
  a.hold("disk", image);
  b.hold("disk", image);
  for (LoopbackNode* node : {&a, &b}) {
    node->serve();
    target.fetcher().add_peer(node->address());
  }
  const auto local = target.adopt("disk");
  ASSERT_TRUE(local) << local.error().message();
  const auto job = target.fetcher().materialize(*local, {}, nullptr);
  LoopbackNode::eventually([&] { return (*local)->usage().resident > BlockCount(200); });
  target.fetcher().remove_peer(a.address());
  EXPECT_TRUE(LoopbackNode::eventually([&] { return is_final(job->progress().state); }));
  EXPECT_EQ(job->progress().state, JobState::done);
  EXPECT_EQ(target.fetcher().peers().size(), 1U);
  expect_equal(**local, image);
}

TEST(Trouble, a_detached_image_is_let_go) {
  const SampleImage image = random_image(100);
  LoopbackNode origin("origin");
  LoopbackNode target("target");
  origin.hold("disk", image);
  origin.serve();
  target.fetcher().add_peer(origin.address());
  auto local = target.adopt("disk");
  ASSERT_TRUE(local);
  ASSERT_TRUE(target.read(*local, blocks(0, 10)));
  target.fetcher().detach(image.info.id);
  const std::weak_ptr<LocalImage> weak = *local;
  local->reset();
  EXPECT_TRUE(
      LoopbackNode::eventually([&] { return target.fetcher().statistics().images.empty(); }));
  EXPECT_TRUE(target.store().remove("disk"));
}

}  // namespace
}  // namespace weft::fetcher::testing
