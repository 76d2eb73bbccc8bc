// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/pack_answer.h"

#include "fetcher/peer/pack_ledger.h"
#include "fetcher/wire/pack_codec.h"
#include "tests/support/fetcher/memory_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace weft::fetcher::testing {
namespace {

constexpr std::size_t blocks = 3000;  // 24 leaves, some of them with zero blocks

class PackAnswerTest : public ::testing::Test {
 protected:
  PackAnswerTest() {
    std::vector<std::byte> content = mixed_content(blocks);
    base_ = store_.add("base", content);
    std::fill_n(content.begin() + 500 * block_size, 3 * block_size, std::byte{9});
    image_ = store_.add("image", content);
  }

  wire::TreePackRequest every_node(std::vector<ImageId> bases) {
    std::vector<TreeNode> nodes;
    for (const auto& [node, bytes] : image_->nodes())
      nodes.push_back(node);
    return {.image = image_->info().id, .bases = std::move(bases), .nodes = wire::to_runs(nodes)};
  }

  /// The nodes of an answer, put together and unpacked as the asker does; `wire_` counts.
  std::map<TreeNode, NodeBytes> answer(const wire::TreePackRequest& request,
                                       std::uint64_t memory = pack_memory) {
    const auto made = answer_tree_pack(store_, std::make_shared<MemoryBudget>(memory), request);
    PackLedger ledger(request);
    wire_ = 0;
    for (bool last = false; !last;) {
      auto part = made->next(3);
      if (!part) {
        ADD_FAILURE() << part.error().message();
        return {};
      }
      last = part->last;
      auto& piece = std::get<wire::TreePack>(part->message);
      EXPECT_TRUE(in_bounds(piece));
      EXPECT_EQ(piece.more, !last);
      wire_ += piece.bytes.size();
      EXPECT_TRUE(ledger.accept(std::move(piece)));
    }
    packs_ = ledger.take();
    std::map<TreeNode, NodeBytes> all;
    for (const NodePack& pack : packs_)
      unpack(request, pack, all);
    return all;
  }

  void unpack(const wire::TreePackRequest& request, const NodePack& pack,
              std::map<TreeNode, NodeBytes>& all) {
    std::vector<std::byte> prefix;
    for (const wire::PrefixRun& run : pack.prefix) {
      const auto base = store_.image(request.bases[run.base]).value();
      for (const TreeNode node : wire::to_nodes(std::span(&run.nodes, 1))) {
        const NodeBytes bytes = base->node(node).value();
        prefix.insert(prefix.end(), bytes.begin(), bytes.end());
      }
    }
    const auto nodes = wire::to_nodes(pack.nodes);
    const auto plain = wire::unpack_nodes(prefix, pack.bytes, nodes.size());
    ASSERT_TRUE(plain) << plain.error().message();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::copy_n(plain->begin() + static_cast<std::ptrdiff_t>(i * block_size), block_size,
                  all[nodes[i]].begin());
    }
  }

  MemoryStore store_;
  std::shared_ptr<MemoryImage> base_;
  std::shared_ptr<MemoryImage> image_;
  std::vector<NodePack> packs_;
  std::size_t wire_ = 0;
};

TEST_F(PackAnswerTest, every_node_comes_and_what_the_base_has_costs_little) {
  EXPECT_EQ(answer(every_node({base_->info().id})), image_->nodes());
  EXPECT_EQ(packs_.size(), 1u);
  EXPECT_LT(wire_, 800u) << "three digests, three nodes above them, and matches";
}

TEST_F(PackAnswerTest, without_a_base_the_digests_are_sent_and_little_else) {
  EXPECT_EQ(answer(every_node({})), image_->nodes());
  EXPECT_LE(wire_, image_->nodes().size() * block_size);
}

TEST_F(PackAnswerTest, a_base_that_is_not_here_is_left_out) {
  const ImageId unknown{{1, 2, 3}};
  EXPECT_EQ(answer(every_node({unknown, base_->info().id})), image_->nodes());
  for (const wire::PrefixRun& run : packs_.front().prefix)
    EXPECT_EQ(run.base, 1) << "numbers are positions in the request";
}

TEST_F(PackAnswerTest, nodes_that_the_base_lacks_are_not_in_the_prefix) {
  base_->drop_node({1, 3});
  EXPECT_EQ(answer(every_node({base_->info().id})), image_->nodes());
  for (const wire::PrefixRun& run : packs_.front().prefix) {
    const auto nodes = wire::to_nodes(std::span(&run.nodes, 1));
    EXPECT_EQ(std::ranges::count(nodes, TreeNode{1, 3}), 0);
  }
}

TEST_F(PackAnswerTest, nodes_that_are_not_here_are_left_out_of_the_answer) {
  image_->drop_node({1, 5});
  auto expected = image_->nodes();
  expected.erase({1, 5});
  EXPECT_EQ(answer(every_node({base_->info().id})), expected);
}

TEST_F(PackAnswerTest, with_none_of_the_nodes_the_answer_is_empty) {
  image_->drop_node({1, 5});
  const wire::TreePackRequest request{image_->info().id, {}, {{1, 5, 1}}};
  EXPECT_TRUE(answer(request).empty());
  EXPECT_TRUE(packs_.empty());
}

TEST_F(PackAnswerTest, a_node_that_cannot_be_is_a_bad_request) {
  const auto made = answer_tree_pack(store_, std::make_shared<MemoryBudget>(pack_memory),
                                     {image_->info().id, {}, {{1, 24, 1}}});
  const auto part = made->next(3);
  ASSERT_FALSE(part);
  EXPECT_TRUE(part.error().is(Errc::bad_request));
}

TEST_F(PackAnswerTest, where_memory_is_short_many_small_packs_bring_the_same_nodes) {
  std::vector<std::byte> content = mixed_content(60 * tree_fanout, 5);
  image_ = store_.add("large", content);
  EXPECT_EQ(answer(every_node({base_->info().id}), 1), image_->nodes());
  EXPECT_EQ(packs_.size(), 2u);
}

TEST_F(PackAnswerTest, memory_is_given_back) {
  const auto memory = std::make_shared<MemoryBudget>(pack_memory);
  {
    const auto made = answer_tree_pack(store_, memory, every_node({}));
    ASSERT_TRUE(made->next(3));
  }
  EXPECT_TRUE(memory->take(pack_memory));
}

}  // namespace
}  // namespace weft::fetcher::testing
