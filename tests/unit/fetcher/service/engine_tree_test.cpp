// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/exchange.h"
#include "fetcher/service/relative_trees.h"
#include "fetcher/wire/pack_codec.h"
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

// How the engine gets tree nodes from peers that pack them.
namespace weft::fetcher::testing {
namespace {

using Packs = Result<std::vector<NodePack>>;

class EngineTree : public EngineTest {
 protected:
  /// What an honest peer without the bases answers.
  Packs packed(const wire::TreePackRequest& request) {
    std::vector<std::byte> bytes;
    for (const TreeNode node : wire::to_nodes(request.nodes)) {
      const NodeBytes& part = image.nodes.at(node);
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
    return std::vector<NodePack>{{request.nodes, {}, wire::pack_nodes({}, bytes)}};
  }
  static Packs garbage(const wire::TreePackRequest& request) {
    return std::vector<NodePack>{{request.nodes, {}, std::vector<std::byte>(20)}};
  }

  /// An image with the same blocks but one, and a signature that says so: here, or with peers.
  void give_relative(bool signature_here = true) {
    std::vector<std::byte> bytes = image.bytes;
    test::fill_random(std::span(bytes).first(block_size), 99);
    const test::SampleImage relative(std::move(bytes));
    const auto held = store->adopt("relative", relative.info).value();
    ASSERT_TRUE(relative.send_tree(*held));
    ASSERT_TRUE(store->flush());
    std::set<std::uint64_t> keys;
    for (const Digest& digest : image.digests) {
      std::uint64_t key = 0;
      for (unsigned i = 0; i < 8; ++i)
        key = key << 8U | digest.bytes.at(i);
      if (!digest.is_zero()) keys.insert(key);
    }
    signature = {.image = image.info.id,
                 .shift = 0,
                 .unique_blocks = BlockCount(keys.size()),
                 .keys = {keys.begin(), keys.end()}};
    if (signature_here) {
      ASSERT_TRUE(store->learn_signature(signature));
    }
    const ExchangeOptions only_wanted{.per_minute = ByteCount(0)};
    exchange = std::make_unique<Exchange>(world.executor(), world.timers(), world.offload(), *store,
                                          only_wanted);
    FetcherOptions options;
    options.relatives = std::make_shared<RelativeTrees>(*store);
    options.exchange = exchange.get();
    make_engine(options);
  }
  ~EngineTree() override {
    world.run([&] { return engine->shutdown(); });
    if (exchange) world.run([&] { return exchange->stop(); });
  }

  /// The tree nodes asked for in packs, whose answer comes at once.
  void note_packs(ScriptedPeer& peer) {
    peer.pack_with([this](const wire::TreePackRequest& request) {
      for (const TreeNode node : wire::to_nodes(request.nodes))
        packed_nodes.push_back(node);
      return packed(request);
    });
  }
  std::vector<TreeNode> packed_nodes;
  Signature signature;
  std::unique_ptr<Exchange> exchange;

  /// Materializes from one peer, and what it was asked for of the tree.
  std::vector<std::string> materialize() {
    ScriptedPeer& peer = connect("a");
    const auto job = engine->materialize(local, {}, nullptr, [] {});
    for (int round = 0; round < 100 && !is_final(job->progress().state); ++round) {
      world.run_for(std::chrono::milliseconds(300));
      while (!peer.requests.empty())
        peer.answer();
    }
    EXPECT_EQ(job->progress().state, JobState::done);
    std::vector<std::string> tree;
    std::ranges::copy_if(peer.calls, std::back_inserter(tree), [](const std::string& call) {
      return call == "nodes" || call.starts_with("pack");
    });
    return tree;
  }
};

TEST_F(EngineTree, a_peer_that_packs_is_asked_for_packs_only) {
  script = [this](ScriptedPeer& peer) {
    peer.pack_with([this](const auto& request) { return packed(request); });
  };
  for (const std::string& call : materialize())
    EXPECT_EQ(call, "pack of 0 bases");
}

TEST_F(EngineTree, a_pack_that_does_not_unpack_is_asked_for_plain) {
  script = [](ScriptedPeer& peer) { peer.pack_with(garbage); };
  const auto calls = materialize();
  ASSERT_GE(calls.size(), 2U);
  EXPECT_EQ(calls[0], "pack of 0 bases");
  EXPECT_EQ(calls[1], "nodes");
}

TEST_F(EngineTree, where_the_bases_do_not_help_it_is_asked_for_without_them_first) {
  give_relative();
  script = [this](ScriptedPeer& peer) {
    peer.pack_with([this](const wire::TreePackRequest& request) {
      return request.bases.empty() ? packed(request) : garbage(request);
    });
  };
  const auto calls = materialize();
  ASSERT_GE(calls.size(), 2U);
  EXPECT_EQ(calls[0], "pack of 1 bases");
  EXPECT_EQ(calls[1], "pack of 0 bases");
  EXPECT_EQ(std::ranges::count(calls, "nodes"), 0);
}

TEST_F(EngineTree, leaves_that_a_relative_has_are_not_asked_for) {
  give_relative();
  std::vector<TreeNode> asked;
  ASSERT_TRUE(local->add_node({2, 0}, image.nodes.at({2, 0})));
  script = [&](ScriptedPeer& peer) {
    peer.pack_with([&](const wire::TreePackRequest& request) {
      for (const TreeNode node : wire::to_nodes(request.nodes))
        asked.push_back(node);
      return packed(request);
    });
  };
  materialize();
  EXPECT_EQ(asked, (std::vector<TreeNode>{{1, 0}})) << "of three leaves one differs";
}

// --- What is here of a tree is found out before it is asked for.

class EngineTreeWaits : public EngineTree {
 protected:
  EngineTreeWaits() {
    give_relative(false);
    EXPECT_TRUE(local->add_node({2, 0}, image.nodes.at({2, 0})));
    script = [this](ScriptedPeer& peer) {
      peer.known_signature = signature;
      peer.answers_signature = false;
      note_packs(peer);
    };
  }
  const std::vector<TreeNode> the_one_that_differs{{1, 0}};
};

TEST_F(EngineTreeWaits, a_job_asks_for_no_tree_before_it_knows_what_is_here_of_it) {
  ScriptedPeer& peer = connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(packed_nodes.empty());
  peer.signature_goes();
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(packed_nodes, the_one_that_differs);
}

TEST_F(EngineTreeWaits, nor_if_a_mount_was_first) {
  engine->attach(local);
  ScriptedPeer& peer = connect("a");
  world.run_for(std::chrono::milliseconds(500));
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::milliseconds(500));
  EXPECT_TRUE(packed_nodes.empty());
  peer.signature_goes();
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(packed_nodes, the_one_that_differs);
  EXPECT_EQ(std::ranges::count(peer.calls, "signature"), 1);
  engine->detach(image.info.id);
}

TEST_F(EngineTreeWaits, nor_if_the_peer_comes_only_when_the_job_runs) {
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::seconds(60));
  EXPECT_EQ(job->progress().state, JobState::waiting);
  ScriptedPeer& peer = connect("a");
  world.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(packed_nodes.empty());
  peer.signature_goes();
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(packed_nodes, the_one_that_differs);
}

TEST_F(EngineTreeWaits, a_signature_that_does_not_come_is_not_waited_for_for_long) {
  connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::milliseconds(2600));
  EXPECT_EQ(packed_nodes.size(), 3U) << "the whole tree";
}

TEST_F(EngineTreeWaits, a_peer_without_a_signature_is_not_waited_for) {
  script = [this](ScriptedPeer& peer) { note_packs(peer); };
  connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::milliseconds(300));
  EXPECT_EQ(packed_nodes.size(), 3U);
}

TEST_F(EngineTreeWaits, a_demand_read_waits_for_no_signature) {
  ScriptedPeer& peer = connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  const auto answer = read(5);
  ASSERT_FALSE(peer.requests.empty());
  peer.answer();
  settle();
  EXPECT_TRUE(ok(answer));
}

TEST_F(EngineTree, a_pack_of_wrong_nodes_bans_its_sender) {
  script = [](ScriptedPeer& peer) {
    peer.pack_with([](const wire::TreePackRequest& request) -> Packs {
      const std::vector<std::byte> wrong(wire::count_nodes(request.nodes) * block_size,
                                         std::byte{1});
      return std::vector<NodePack>{{request.nodes, {}, wire::pack_nodes({}, wrong)}};
    });
  };
  connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status("a").banned_for, std::vector<ImageId>{image.info.id});
  EXPECT_FALSE(is_final(job->progress().state));
}

/// 64 leaves.
class EngineWideTree : public EngineTest {
 protected:
  EngineWideTree() : EngineTest(test::random_blocks(BlockCount(64 * tree_fanout), 5)) {}

  void run_until_quiet(ScriptedPeer& peer) {
    for (int round = 0; round < 100; ++round) {
      world.run_for(std::chrono::milliseconds(50));
      while (!peer.requests.empty())
        peer.answer();
    }
  }
};

TEST_F(EngineWideTree, blocks_below_the_leaves_that_came_do_not_wait_for_the_rest_of_the_tree) {
  script = [](ScriptedPeer& peer) { peer.most_nodes_answered = 2; };
  ScriptedPeer& peer = connect("a");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  run_until_quiet(peer);
  constexpr std::uint64_t below_the_first_answer = 16 * tree_fanout;
  EXPECT_GE(job->progress().done.value(), below_the_first_answer + 32 * tree_fanout);
  EXPECT_EQ(job->progress().state, JobState::waiting);
  peer.nodes_go();
  run_until_quiet(peer);
  EXPECT_EQ(job->progress().state, JobState::done);
}

TEST_F(EngineWideTree, many_peers_bring_a_tree_together) {
  std::map<std::string, std::size_t> nodes;
  connect("a");
  connect("b");
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  world.run_for(std::chrono::milliseconds(10));
  for (const auto& [address, peer] : peers) {
    EXPECT_GT(peer->nodes_asked.size(), 0U) << address;
    nodes[address] = peer->nodes_asked.size();
  }
  EXPECT_EQ(nodes["a"] + nodes["b"], 65U) << "no node twice";
}

}  // namespace
}  // namespace weft::fetcher::testing
