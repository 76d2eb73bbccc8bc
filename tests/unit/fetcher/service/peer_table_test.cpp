// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/peer_table.h"

#include "tests/unit/fetcher/service/engine_fixture.h"

namespace weft::fetcher::testing {
namespace {

class PeerTableTest : public EngineTest {};

TEST_F(PeerTableTest, a_peer_that_refuses_is_dialled_again_with_growing_pauses) {
  refuse = true;
  engine->add_peer("a");
  settle();
  EXPECT_EQ(status("a").state, PeerState::waiting);
  EXPECT_NE(status("a").last_error.find("refused"), std::string::npos);
  world.run_for(std::chrono::seconds(3));
  const int early = dials["a"];
  EXPECT_GE(early, 3);
  world.run_for(std::chrono::minutes(10));
  EXPECT_LE(dials["a"] - early, 600 / 5 + 1);
  EXPECT_GE(dials["a"] - early, 600 / 10 - 5);
  refuse = false;
  world.run_for(std::chrono::seconds(10));
  EXPECT_EQ(status("a").state, PeerState::connected);
  EXPECT_TRUE(status("a").last_error.empty());
}

TEST_F(PeerTableTest, adding_twice_is_adding_once) {
  connect("a");
  engine->add_peer("a");
  settle();
  EXPECT_EQ(engine->peers().size(), 1U);
  EXPECT_EQ(dials["a"], 1);
}

TEST_F(PeerTableTest, our_own_address_is_not_dialled_again) {
  next_nodes["me"] = 99;
  engine->add_peer("me");
  world.run_for(std::chrono::hours(1));
  EXPECT_EQ(status("me").state, PeerState::self);
  EXPECT_EQ(dials["me"], 1);
}

TEST_F(PeerTableTest, a_second_address_of_a_node_takes_over_when_the_first_is_gone) {
  next_nodes["a1"] = 5;
  next_nodes["a2"] = 5;
  connect("a1");
  engine->add_peer("a2");
  settle();
  EXPECT_EQ(status("a2").state, PeerState::duplicate);
  engine->remove_peer("a1");
  world.run_for(std::chrono::seconds(31));
  EXPECT_EQ(status("a2").state, PeerState::connected);
}

TEST_F(PeerTableTest, removing_closes_the_session_and_forgets_the_peer) {
  connect("a");
  const auto session = peers.at("a");
  engine->remove_peer("a");
  settle();
  EXPECT_TRUE(session->closed());
  EXPECT_TRUE(engine->peers().empty());
  world.run_for(std::chrono::minutes(5));
  EXPECT_EQ(dials["a"], 1);
}

TEST_F(PeerTableTest, a_lost_connection_comes_back_soon) {
  connect("a");
  peers.at("a")->break_connection(Errc::peer_unreachable);
  EXPECT_EQ(status("a").state, PeerState::waiting);
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status("a").state, PeerState::connected);
}

TEST_F(PeerTableTest, a_search_uses_a_peer_that_has_not_said_yet_who_it_is) {
  script = [](ScriptedPeer& peer) {
    peer.greet_late();
    peer.answers_nodes = false;  // the greeting is on its way
  };
  engine->add_peer("a");
  std::optional<Result<RemoteImage>> found;
  world.run([&]() -> Awaitable<void> { found = co_await engine->locate("disk", BlockIndex(0)); });
  ASSERT_TRUE(found->has_value()) << found->error().message();
  EXPECT_EQ((*found)->offers.at(0).node.bytes[0], 'a');
  EXPECT_EQ(status("a").state, PeerState::connecting);
  peers.at("a")->nodes_go();
  settle();
  EXPECT_EQ(status("a").state, PeerState::connected);
  EXPECT_EQ(status("a").node->bytes[0], 'a');
}

TEST_F(PeerTableTest, a_peer_that_never_says_who_it_is_is_dialled_again) {
  script = [](ScriptedPeer& peer) {
    peer.greet_late();
    peer.answers_nodes = false;
  };
  engine->add_peer("a");
  world.run_for(std::chrono::seconds(8));
  EXPECT_EQ(dials["a"], 2);
  EXPECT_NE(status("a").last_error, "");
}

TEST_F(PeerTableTest, a_search_does_not_find_what_only_we_have) {
  next_nodes["me"] = 99;
  script = [](ScriptedPeer& peer) { peer.greet_late(); };
  engine->add_peer("me");
  std::optional<Result<RemoteImage>> found;
  world.run([&]() -> Awaitable<void> { found = co_await engine->locate("disk", BlockIndex(0)); });
  EXPECT_FALSE(found->has_value());
}

TEST_F(PeerTableTest, a_link_is_remembered_from_session_to_session) {
  LinkMonitor links;
  FetcherOptions options;
  options.links = &links;
  make_engine(options);
  script = [](ScriptedPeer& peer) {
    peer.measured.rate = {.mean = 5e6, .deviation = 1e5, .samples = 9};
  };
  connect("a");
  EXPECT_FALSE(peers.at("a")->assumed.rate.known());
  EXPECT_EQ(status("a").link.rate_in.mean, 5e6);
  world.run_for(std::chrono::minutes(1));
  peers.at("a")->break_connection(Errc::peer_unreachable);
  world.run_for(std::chrono::seconds(1));
  ASSERT_EQ(status("a").state, PeerState::connected);
  EXPECT_EQ(peers.at("a")->assumed.bytes_per_second, 5e6);
  EXPECT_NEAR(status("a").link.loss.per_hour, 60, 5);
  EXPECT_GT(status("a").link.loss.fraction, 0);
  engine->remove_peer("a");
  world.run_for(std::chrono::hours(1));
  NodeId node;
  node.bytes[0] = 'a';
  EXPECT_LT(links.view(node, world.timers().now())->loss.fraction, 0.1)
      << "a peer that is not wanted is not missed";
  make_engine({});
}

}  // namespace
}  // namespace weft::fetcher::testing
