// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// Peers that do not have the image, but blocks of it in others.
class EngineDigests : public EngineTest {
 protected:
  ScriptedPeer& connect_relative(const std::string& address,
                                 std::function<bool(BlockIndex)> holds) {
    script = [holds](ScriptedPeer& peer) {
      peer.has_image = false;
      peer.has_others(holds);
    };
    ScriptedPeer& peer = connect(address);
    script = {};
    return peer;
  }
  std::shared_ptr<MaterializeJob> materialize() {
    const auto job = engine->materialize(local, {}, nullptr, [] {});
    settle();
    return job;
  }
  void serve_all() {
    for (int i = 0; i < 200; ++i) {
      for (auto& [address, peer] : peers) {
        if (!peer->requests.empty()) peer->answer();
      }
      world.run_for(std::chrono::milliseconds(100));
    }
  }
};

constexpr auto everything = [](BlockIndex) { return true; };

TEST_F(EngineDigests, a_read_that_no_peer_holds_in_the_image_comes_by_digest) {
  give_tree();
  engine->attach(local);
  ScriptedPeer& peer = connect_relative("b", everything);
  const auto answer = read(20, 4);
  ASSERT_EQ(peer.requests.size(), 1U);
  EXPECT_EQ(peer.requests.front().digests.size(), 4U);
  EXPECT_EQ(peer.requests.front().priority, wire::Priority::demand);
  peer.answer();
  settle();
  EXPECT_TRUE(ok(answer));
  EXPECT_TRUE(local->readable(blocks(20, 4)));
  EXPECT_EQ(engine->statistics().images.front().sources.by_digest, bytes_of(BlockCount(4)));
  EXPECT_EQ(engine->statistics().images.front().sources.in_image, ByteCount(0));
  EXPECT_EQ(engine->statistics().images.front().sources.have_queries, 1U);
  engine->detach(image.info.id);
}

TEST_F(EngineDigests, zero_blocks_are_not_asked_about) {
  give_tree();
  ScriptedPeer& peer = connect_relative("b", everything);
  const auto answer = read(128, 14);  // ten of them are zero
  ASSERT_EQ(peer.have_keys, std::vector<std::size_t>{4});
  peer.answer();
  settle();
  EXPECT_TRUE(ok(answer));
}

TEST_F(EngineDigests, two_peers_whose_other_images_jointly_hold_it_complete_the_image) {
  give_tree();
  connect_relative("b", [](BlockIndex b) { return b.value() % 3 == 0; });
  connect_relative("d", [](BlockIndex b) { return b.value() % 3 != 0; });
  const auto job = materialize();
  serve_all();
  EXPECT_EQ(job->progress().state, JobState::done);
  EXPECT_TRUE(local->readable(blocks(0, 300)));
}

TEST_F(EngineDigests, what_nobody_has_waits_and_the_rest_arrives) {
  give_tree();
  connect_relative("b", [](BlockIndex b) { return b.value() != 77; });
  const auto job = materialize();
  serve_all();
  EXPECT_EQ(job->progress().state, JobState::waiting);
  EXPECT_FALSE(local->readable(blocks(77, 1)));
  EXPECT_TRUE(local->readable(blocks(0, 77)));
  EXPECT_TRUE(local->readable(blocks(78, 222)));
}

TEST_F(EngineDigests, a_lying_have_answer_only_makes_it_slower) {
  give_tree();
  ScriptedPeer& liar = connect_relative("b", everything);
  liar.really_has = [](BlockIndex) { return false; };
  connect_relative("d", everything);
  const auto job = materialize();
  serve_all();
  EXPECT_EQ(job->progress().state, JobState::done);
  EXPECT_GT(status("b").false_haves, 0U);
  EXPECT_TRUE(status("b").banned_for.empty());
  EXPECT_EQ(status("d").false_haves, 0U);
}

TEST_F(EngineDigests, wrong_bytes_by_digest_never_land) {
  give_tree();
  ScriptedPeer& liar = connect_relative("b", everything);
  const auto answer = read(20, 2, std::chrono::seconds(5));
  liar.answer([](wire::BlockBatch& batch) { batch.packed[5] ^= std::byte{1}; });
  settle();
  EXPECT_FALSE(local->readable(blocks(20, 1)));
  EXPECT_EQ(status("b").banned_for, std::vector{image.info.id});
  world.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(failed(answer, Errc::deadline_passed));
}

TEST_F(EngineDigests, a_peer_without_the_feature_is_never_asked) {
  give_tree();
  script = [](ScriptedPeer& peer) { peer.has_image = false; };
  ScriptedPeer& old = connect("b");
  const auto answer = read(20, 1, std::chrono::seconds(30), false);
  settle();
  EXPECT_TRUE(failed(answer, Errc::no_source));
  EXPECT_TRUE(old.have_keys.empty());
}

}  // namespace
}  // namespace weft::fetcher::testing
