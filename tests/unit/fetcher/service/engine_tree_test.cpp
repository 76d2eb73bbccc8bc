// SPDX-License-Identifier: Apache-2.0
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

  /// An image with the same blocks but one, and a signature that says so.
  void give_relative() {
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
    ASSERT_TRUE(store->learn_signature({.image = image.info.id,
                                        .shift = 0,
                                        .unique_blocks = BlockCount(keys.size()),
                                        .keys = {keys.begin(), keys.end()}}));
    FetcherOptions options;
    options.relatives = std::make_shared<RelativeTrees>(*store);
    make_engine(options);
  }

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

}  // namespace
}  // namespace weft::fetcher::testing
