// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

class FetchEngineTest : public EngineTest {};

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST_F(FetchEngineTest, a_cold_read_asks_for_path_and_block_in_one_go) {
  ScriptedPeer& peer = connect("a");
  engine->attach(local);
  settle();
  peer.answers_nodes = false;
  const auto answer = read(200);
  EXPECT_EQ(peer.calls, (std::vector<std::string>{"nodes", "blocks"}));
  EXPECT_EQ(peer.nodes_asked, (std::vector<TreeNode>{{2, 0}, {1, 1}}));
  // The block comes first, and waits for its leaf.
  peer.answer();
  settle();
  EXPECT_EQ(answer->times, 0);
  EXPECT_FALSE(local->readable(blocks(200, 1)));
  peer.nodes_go();
  settle();
  EXPECT_TRUE(ok(answer));
  EXPECT_TRUE(local->readable(blocks(200, 1)));
}

TEST_F(FetchEngineTest, a_read_of_zero_blocks_ends_when_the_leaf_proves_them) {
  ScriptedPeer& peer = connect("a");
  const auto answer = read(132, 4);
  EXPECT_TRUE(ok(answer));
  if (!peer.requests.empty()) peer.answer();
  settle();
  EXPECT_EQ(engine->statistics().received, ByteCount(0));
}

TEST_F(FetchEngineTest, a_read_knows_how_far_its_blocks_came) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto origin_with = [&](Duration round_trip, std::uint64_t block) {
    peer.measured.round_trip = round_trip;
    peer.measured.round_trip_measured = true;
    const auto answer = read(block);
    peer.answer();
    settle();
    EXPECT_TRUE(ok(answer));
    return (*answer->outcome)->origin;
  };
  EXPECT_EQ(origin_with(std::chrono::microseconds(400), 7), BlockOrigin::lan_peer);
  EXPECT_EQ(origin_with(std::chrono::milliseconds(40), 60), BlockOrigin::wan_peer);
}

TEST_F(FetchEngineTest, who_waits_is_told_for_which_block_and_why) {
  give_tree();
  const auto orphan = read(200, 2);
  const auto why = [&] {
    const FetchStatistics statistics = engine->statistics();
    return statistics.images.at(0).waits.at(0);
  };
  EXPECT_EQ(why().reason, WaitReason::not_connected);
  EXPECT_EQ(why().first_missing, BlockIndex(200));
  EXPECT_EQ(why().missing, BlockCount(2));
  ScriptedPeer& peer = connect("a");
  world.run_for(std::chrono::milliseconds(30));
  EXPECT_EQ(why().reason, WaitReason::asked);
  EXPECT_EQ(why().peers, (std::vector<std::string>{"a"}));
  EXPECT_EQ(why().ticket, last_ticket);
  EXPECT_GE(why().age, std::chrono::milliseconds(30));
  peer.answer();
  settle();
  EXPECT_TRUE(ok(orphan));
}

TEST_F(FetchEngineTest, readers_of_one_block_share_a_fetch_and_all_get_their_answer) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 64; ++i)
    answers.push_back(read(7));
  ASSERT_EQ(peer.requests.size(), 1U);
  peer.answer();
  settle();
  EXPECT_TRUE(std::ranges::all_of(answers, [](const auto& a) { return ok(a); }));
  EXPECT_EQ(engine->statistics().reads_joined, 63U);
}

TEST_F(FetchEngineTest, a_reader_raises_the_prefetch_it_joins) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  settle();
  ASSERT_FALSE(peer.requests.empty());
  EXPECT_EQ(peer.requests.front().priority, wire::Priority::prefetch);
  const auto answer = read(3);
  EXPECT_EQ(peer.requests.front().priority, wire::Priority::demand);
  peer.answer();
  settle();
  EXPECT_TRUE(ok(answer));
  job->cancel();
  engine->wake_jobs();
  settle();
  EXPECT_EQ(job->progress().state, JobState::cancelled);
}

TEST_F(FetchEngineTest, a_job_takes_in_no_more_than_the_node_may) {
  FetcherOptions options;
  options.own_link.ingress_bytes_per_second = 50 * block_size;
  make_engine(options);
  give_tree();
  ScriptedPeer& peer = connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  const auto serve_for = [&](std::chrono::seconds time) {
    for (auto left = time * 50; left.count() > 0; --left) {
      world.run_for(std::chrono::milliseconds(20));
      while (!peer.requests.empty())
        peer.answer();
    }
  };
  serve_for(std::chrono::seconds(3));
  EXPECT_NE(job->progress().state, JobState::done) << "it has 290 blocks";
  // What was saved up before it began, half a batch of debt, and as much again because content is
  // taken to compress until it has been seen.
  EXPECT_LE(engine->statistics().received_wire, ByteCount((3 * 50 + 80) * block_size));
  serve_for(std::chrono::seconds(4));
  EXPECT_EQ(job->progress().state, JobState::done);
}

TEST_F(FetchEngineTest, wrong_bytes_never_land_and_ban_the_peer) {
  give_tree();
  ScriptedPeer& a = connect("a");
  const auto answer = read(0, 4);
  a.answer([](wire::BlockBatch& batch) { batch.packed[2 * block_size] ^= std::byte{1}; });
  settle();
  EXPECT_TRUE(local->readable(blocks(0, 2))) << "the blocks before it were right";
  EXPECT_FALSE(local->readable(blocks(2, 1)));
  EXPECT_EQ(status("a").banned_for, std::vector{image.info.id});
  EXPECT_EQ(answer->times, 0);
  EXPECT_TRUE(a.requests.empty()) << "a banned peer is not asked again";
  ScriptedPeer& b = connect("b");
  ASSERT_EQ(b.requests.size(), 1U);
  b.answer();
  settle();
  EXPECT_TRUE(ok(answer));
  EXPECT_EQ(engine->statistics().peers_banned, 1U);
}

TEST_F(FetchEngineTest, a_zero_claimed_for_data_is_a_lie) {
  give_tree();
  ScriptedPeer& a = connect("a");
  read(0, 2);
  a.answer([](wire::BlockBatch& batch) {
    batch.zero = std::exchange(batch.ranges, {});
    batch.packed.clear();
  });
  settle();
  EXPECT_FALSE(local->readable(blocks(0, 1)));
  EXPECT_EQ(status("a").banned_for.size(), 1U);
}

TEST_F(FetchEngineTest, an_answer_that_ends_early_bans_the_peer_and_its_blocks_are_used) {
  give_tree();
  ScriptedPeer& a = connect("a");
  read(0, 4);
  a.answer([&](wire::BlockBatch& batch) { batch = a.batch({blocks(0, 2)}); });
  settle();
  EXPECT_TRUE(local->readable(blocks(0, 2)));
  EXPECT_EQ(status("a").banned_for.size(), 1U);
}

TEST_F(FetchEngineTest, blocks_nobody_asked_for_ban_the_peer_and_are_dropped) {
  give_tree();
  ScriptedPeer& a = connect("a");
  read(0, 2);
  a.answer([&](wire::BlockBatch& batch) { batch = a.batch({blocks(0, 4)}); });
  settle();
  EXPECT_FALSE(local->readable(blocks(0, 1)));
  EXPECT_EQ(status("a").banned_for.size(), 1U);
}

TEST_F(FetchEngineTest, a_wrong_tree_node_bans_the_peer_and_another_one_serves) {
  ScriptedPeer& a = connect("a");
  a.lies_about_nodes = true;
  const auto answer = read(0);
  settle();
  EXPECT_EQ(status("a").banned_for.size(), 1U);
  ScriptedPeer& b = connect("b");
  if (!b.requests.empty()) b.answer();
  settle();
  EXPECT_TRUE(ok(answer));
}

TEST_F(FetchEngineTest, a_peer_that_breaks_the_protocol_three_times_is_banned) {
  give_tree();
  connect("a");
  const auto answer = read(0);
  for (int strike = 1; strike <= 3; ++strike) {
    ASSERT_FALSE(peers.at("a")->requests.empty()) << strike;
    peers.at("a")->break_connection(Errc::peer_misbehaved);
    EXPECT_EQ(status("a").banned_for.size(), strike == 3 ? 1U : 0U);
    world.run_for(std::chrono::seconds(30));
  }
  EXPECT_EQ(status("a").state, PeerState::connected);
  EXPECT_TRUE(peers.at("a")->requests.empty());
}

TEST_F(FetchEngineTest, a_lost_connection_is_no_offence_and_the_read_goes_on_after_it) {
  give_tree();
  connect("a");
  const auto answer = read(0);
  for (int i = 0; i < 5; ++i) {
    peers.at("a")->break_connection(Errc::peer_unreachable);
    world.run_for(std::chrono::seconds(11));
  }
  EXPECT_TRUE(status("a").banned_for.empty());
  peers.at("a")->answer();
  settle();
  EXPECT_TRUE(ok(answer));
}

TEST_F(FetchEngineTest, the_deadline_ends_a_read_with_block_and_peers_in_the_message) {
  give_tree();
  connect("a");
  const auto answer = read(5, 1, std::chrono::seconds(2));
  world.run_for(std::chrono::seconds(3));
  ASSERT_TRUE(failed(answer, Errc::deadline_passed));
  EXPECT_NE(answer->outcome->error().detail.find("block 5"), std::string::npos);
  EXPECT_NE(answer->outcome->error().detail.find("tried a"), std::string::npos);
}

TEST_F(FetchEngineTest, reads_beyond_the_bound_fail_with_queue_full) {
  FetcherOptions options;
  options.max_waiting_reads = 2;
  make_engine(options);
  const auto one = read(0);
  const auto two = read(1);
  EXPECT_TRUE(failed(read(2), Errc::queue_full));
  EXPECT_EQ(one->times + two->times, 0);
}

TEST_F(FetchEngineTest, a_read_that_does_not_hold_waits_for_nobody_but_those_being_asked) {
  script = [](ScriptedPeer& peer) { peer.has_image = false; };
  connect("a");
  EXPECT_TRUE(failed(read(0, 1, std::chrono::seconds(60), false), Errc::no_source));
}

TEST_F(FetchEngineTest, a_peer_that_gets_the_image_later_is_found) {
  script = [](ScriptedPeer& peer) { peer.has_image = false; };
  ScriptedPeer& peer = connect("a");
  give_tree();
  read(0);
  EXPECT_TRUE(peer.requests.empty());
  peer.has_image = true;
  world.run_for(std::chrono::seconds(10));
  EXPECT_EQ(peer.requests.size(), 1U);
}

TEST_F(FetchEngineTest, an_announcement_wakes_a_read_that_holds) {
  script = [](ScriptedPeer& peer) { peer.complete = false; };
  ScriptedPeer& peer = connect("a");
  give_tree();
  read(42);
  EXPECT_TRUE(peer.requests.empty());
  peer.on_residency({image.info.id, false, {blocks(40, 5)}, {}});
  settle();
  EXPECT_EQ(peer.requests.size(), 1U);
}

TEST_F(FetchEngineTest, an_announcement_beyond_the_image_bans_the_peer) {
  ScriptedPeer& peer = connect("a");
  engine->attach(local);
  settle();
  peer.on_residency({image.info.id, false, {blocks(299, ~std::uint64_t{0} - 10)}, {}});
  settle();
  EXPECT_EQ(status("a").banned_for.size(), 1U);
  engine->detach(image.info.id);
}

TEST_F(FetchEngineTest, on_a_full_disk_reads_are_answered_from_memory) {
  connect("a");
  disk.set_space(ByteCount(0));
  const auto answer = read(200, 2);
  if (!peers.at("a")->requests.empty()) peers.at("a")->answer();
  settle();
  ASSERT_TRUE(ok(answer));
  const auto& loose = (*answer->outcome)->loose;
  ASSERT_EQ(loose.size(), 2U);
  EXPECT_TRUE(std::ranges::equal(*loose[0].bytes, image.block(200)));
  EXPECT_TRUE(engine->statistics().images.empty() || engine->statistics().images[0].disk_full);
}

TEST_F(FetchEngineTest, on_a_full_disk_wrong_bytes_are_still_refused) {
  give_tree();
  connect("a");
  disk.set_space(ByteCount(0));
  const auto answer = read(200);
  peers.at("a")->answer([](wire::BlockBatch& batch) { batch.packed[0] ^= std::byte{1}; });
  settle();
  EXPECT_EQ(answer->times, 0);
  EXPECT_EQ(status("a").banned_for.size(), 1U);
}

TEST_F(FetchEngineTest, cancelling_answers_once_and_the_block_may_still_land) {
  give_tree();
  connect("a");
  const auto answer = read(0);
  engine->cancel(last_ticket);
  settle();
  EXPECT_TRUE(failed(answer, Errc::cancelled));
  peers.at("a")->answer();
  settle();
  EXPECT_EQ(answer->times, 1);
  EXPECT_TRUE(local->readable(blocks(0, 1)));
}

TEST_F(FetchEngineTest, sequential_reads_fetch_ahead) {
  give_tree();
  ScriptedPeer& peer = connect("a");
  read(0, 8);
  read(8, 8);
  ASSERT_EQ(peer.requests.size(), 3U);
  EXPECT_EQ(peer.requests.back().priority, wire::Priority::readahead);
  EXPECT_EQ(peer.requests.back().ranges, std::vector{blocks(16, 32)});
}

}  // namespace
}  // namespace weft::fetcher::testing
