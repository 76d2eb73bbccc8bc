// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_file.h"

#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weft {
namespace {

// Three levels: data at 5 and 300, then a hole up to the last leaf.
constexpr std::uint64_t block_count = 40000;
constexpr std::uint64_t last_block = block_count - 1;

class TreeFileTest : public testing::Test {
 protected:
  TreeFileTest()
      : model_(test::model_of(bytes_of(BlockCount(block_count)),
                              {{5, test::make_digest(5)},
                               {6, test::make_digest(6)},
                               {300, test::make_digest(7)},
                               {last_block, test::make_digest(8)}})) {}

  std::unique_ptr<TreeFile> open() {
    return std::make_unique<TreeFile>(disk_.open(dir_ / "tree", OpenMode::create).value(),
                                      model_.info());
  }
  static Result<void> put(TreeFile& tree, const test::TreeModel& model, TreeNode node) {
    return tree.put(node, model.nodes.at(node));
  }
  void put_path(TreeFile& tree, std::uint64_t block) {
    for (const TreeNode node : model_.shape.path_to(BlockIndex(block)))
      ASSERT_TRUE(put(tree, model_, node));
  }
  void put_all(TreeFile& tree) {
    for (auto it = model_.nodes.rbegin(); it != model_.nodes.rend(); ++it)
      ASSERT_TRUE(tree.put(it->first, it->second));
  }
  static BlockRange everything() { return {BlockIndex(0), BlockCount(block_count)}; }

  test::TempDirectory dir_;
  test::FaultyFileSystem disk_;
  test::TreeModel model_;
};

TEST_F(TreeFileTest, digest_is_known_once_the_path_is_here) {
  const auto tree = open();
  EXPECT_TRUE(tree->block_digest(BlockIndex(5)).error().is(Errc::not_resident));
  EXPECT_EQ(tree->first_absent(BlockIndex(5)).value(), model_.shape.root());
  put_path(*tree, 5);
  EXPECT_EQ(tree->first_absent(BlockIndex(5)).value(), std::nullopt);
  EXPECT_EQ(tree->block_digest(BlockIndex(5)).value(), test::make_digest(5));
  EXPECT_TRUE(tree->block_digest(BlockIndex(7)).value().is_zero());
  EXPECT_EQ(tree->first_absent(BlockIndex(300)).value(), (TreeNode{1, 2}));
}

TEST_F(TreeFileTest, zero_subtree_needs_no_nodes) {
  const auto tree = open();
  put_path(*tree, 5);
  EXPECT_TRUE(tree->block_digest(BlockIndex(200)).value().is_zero());    // zero leaf
  EXPECT_TRUE(tree->block_digest(BlockIndex(20000)).value().is_zero());  // zero node above
  EXPECT_EQ(tree->load({1, 100}).value(), NodeBytes{});
  EXPECT_EQ(tree->first_absent(BlockIndex(20000)).value(), std::nullopt);
}

TEST_F(TreeFileTest, image_of_zeros_is_known_without_any_node) {
  model_ = test::model_of(bytes_of(BlockCount(block_count)), {});
  const auto tree = open();
  EXPECT_TRUE(tree->block_digest(BlockIndex(77)).value().is_zero());
  EXPECT_EQ(tree->next_absent(everything()).value(), std::nullopt);
  EXPECT_EQ(tree->next_data(everything()).value(), std::nullopt);
}

TEST_F(TreeFileTest, node_that_is_not_what_its_parent_says_is_refused) {
  const auto tree = open();
  NodeBytes forged = model_.nodes.at(model_.shape.root());
  forged[9] ^= std::byte{4};
  EXPECT_TRUE(tree->put(model_.shape.root(), forged).error().is(Errc::digest_mismatch));
  EXPECT_TRUE(tree->put(model_.shape.root(), NodeBytes{}).error().is(Errc::digest_mismatch));
  EXPECT_TRUE(tree->block_digest(BlockIndex(5)).error().is(Errc::not_resident));
}

TEST_F(TreeFileTest, node_before_its_parent_is_refused) {
  const auto tree = open();
  EXPECT_TRUE(put(*tree, model_, {1, 0}).error().is(Errc::not_resident));
}

TEST_F(TreeFileTest, below_a_zero_entry_only_zeros_are_accepted) {
  const auto tree = open();
  put_path(*tree, 5);
  EXPECT_TRUE(tree->put({1, 1}, NodeBytes{}));
  EXPECT_TRUE(tree->put({1, 1}, model_.nodes.at({1, 0})).error().is(Errc::digest_mismatch));
}

TEST_F(TreeFileTest, node_that_cannot_be_is_a_bad_request) {
  const auto tree = open();
  const NodeBytes bytes{};
  EXPECT_TRUE(tree->put({1, 1u << 30}, bytes).error().is(Errc::bad_request));
  EXPECT_TRUE(tree->put({0, 0}, bytes).error().is(Errc::bad_request));
  EXPECT_TRUE(
      tree->put(model_.shape.root(), std::span(bytes).first(4095)).error().is(Errc::bad_request));
}

TEST_F(TreeFileTest, digests_of_a_range_cross_leaves_and_zero_subtrees) {
  const auto tree = open();
  put_all(*tree);
  std::vector<Digest> digests(block_count);
  ASSERT_TRUE(tree->block_digests(BlockIndex(0), digests));
  for (std::uint64_t b = 0; b < block_count; ++b)
    ASSERT_EQ(digests[b], tree->block_digest(BlockIndex(b)).value()) << b;
  EXPECT_EQ(digests[300], test::make_digest(7));
  EXPECT_EQ(digests[last_block], test::make_digest(8));
}

TEST_F(TreeFileTest, data_runs_skip_what_is_known_to_be_zero) {
  const auto tree = open();
  put_all(*tree);
  const auto next = [&](std::uint64_t from) {
    return tree->next_data(BlockRange::between(BlockIndex(from), BlockIndex(block_count))).value();
  };
  EXPECT_EQ(next(0), (BlockRange{BlockIndex(5), BlockCount(2)}));
  EXPECT_EQ(next(6), (BlockRange{BlockIndex(6), BlockCount(1)}));
  EXPECT_EQ(next(7), (BlockRange{BlockIndex(300), BlockCount(1)}));
  EXPECT_EQ(next(301), (BlockRange{BlockIndex(last_block), BlockCount(1)}));
  EXPECT_EQ(next(block_count), std::nullopt);
}

TEST_F(TreeFileTest, blocks_below_an_absent_node_may_be_data) {
  const auto tree = open();
  put_path(*tree, 5);  // leaf 2 with block 300 is absent, and so is the node above the last leaf
  const auto first = tree->first_data(BlockRange::between(BlockIndex(7), BlockIndex(block_count)));
  EXPECT_EQ(first.value(), BlockIndex(256));
  EXPECT_EQ(tree->next_data({BlockIndex(7), BlockCount(1000)}).value(),
            (BlockRange{BlockIndex(256), BlockCount(128)}));
  EXPECT_EQ(tree->first_zero({BlockIndex(256), BlockCount(1000)}).value(), BlockIndex(384));
}

TEST_F(TreeFileTest, every_digest_is_visited_once_until_the_visitor_stops) {
  const auto tree = open();
  put_all(*tree);
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(tree->each_data(everything(), [&](BlockIndex block, const Digest& digest) {
    EXPECT_EQ(digest, tree->block_digest(block).value());
    seen.push_back(block.value());
    return true;
  }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 6, 300, last_block}));
  seen.clear();
  const auto stop_at_6 = [&](BlockIndex block, const Digest&) {
    seen.push_back(block.value());
    return block != BlockIndex(6);
  };
  ASSERT_TRUE(tree->each_data({BlockIndex(6), BlockCount(1000)}, stop_at_6));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{6}));
}

TEST_F(TreeFileTest, visiting_digests_fails_at_an_absent_node) {
  const auto tree = open();
  put_path(*tree, 5);
  const auto outcome =
      tree->each_data(everything(), [](BlockIndex, const Digest&) { return true; });
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::not_resident));
}

TEST_F(TreeFileTest, absent_nodes_are_visited_topmost_and_left_to_right) {
  const auto tree = open();
  EXPECT_EQ(tree->next_absent(everything()).value(), model_.shape.root());
  put_path(*tree, 5);
  std::vector<TreeNode> absent;
  for (BlockRange rest = everything();;) {
    const auto node = tree->next_absent(rest).value();
    if (!node) break;
    absent.push_back(*node);
    rest = BlockRange::between(model_.shape.blocks_below(*node).end(), everything().end());
  }
  const std::vector<TreeNode> expected{{1, 2}, {2, 2}};
  EXPECT_EQ(absent, expected);
  put_all(*tree);
  EXPECT_EQ(tree->next_absent(everything()).value(), std::nullopt);
}

TEST_F(TreeFileTest, nodes_are_here_again_after_reopening) {
  put_all(*open());
  const auto tree = open();
  EXPECT_EQ(tree->next_absent(everything()).value(), std::nullopt);
  EXPECT_EQ(tree->block_digest(BlockIndex(last_block)).value(), test::make_digest(8));
}

TEST_F(TreeFileTest, damaged_node_is_absent_and_can_be_put_again) {
  put_all(*open());
  {
    const auto file = disk_.open(dir_ / "tree", OpenMode::read_write).value();
    const std::byte wrong{0x5a};
    const ByteOffset place(model_.shape.ordinal({1, 2}) * block_size + 77);
    ASSERT_TRUE(file->write_at(place, {&wrong, 1}));
  }
  const auto tree = open();
  EXPECT_TRUE(tree->block_digest(BlockIndex(300)).error().is(Errc::not_resident));
  EXPECT_EQ(tree->next_absent(everything()).value(), (TreeNode{1, 2}));
  ASSERT_TRUE(put(*tree, model_, {1, 2}));
  EXPECT_EQ(tree->block_digest(BlockIndex(300)).value(), test::make_digest(7));
}

TEST_F(TreeFileTest, power_cut_at_random_loses_nodes_but_never_makes_wrong_ones) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    {
      const auto tree = open();
      put_path(*tree, 5);
      ASSERT_TRUE(tree->sync());
      put_all(*tree);
    }
    disk_.power_cut(test::Survival::by_seed, seed);
    if (!std::filesystem::exists(dir_ / "tree")) continue;  // its directory was not synced
    const auto tree = open();
    EXPECT_EQ(tree->block_digest(BlockIndex(5)).value(), test::make_digest(5)) << seed;
    for (const std::uint64_t block : {300ul, last_block}) {
      const auto digest = tree->block_digest(BlockIndex(block));
      if (!digest) {
        EXPECT_TRUE(digest.error().is(Errc::not_resident));
        continue;
      }
      EXPECT_EQ(*digest, test::make_digest(block == 300 ? 7 : 8)) << seed;
    }
    put_all(*tree);
    EXPECT_EQ(tree->next_absent(everything()).value(), std::nullopt);
    std::filesystem::remove(dir_ / "tree");
  }
}

TEST_F(TreeFileTest, torn_node_is_absent) {
  const auto tree = open();
  put_path(*tree, 5);
  disk_.add({.call = test::DiskCall::write, .torn_after = 100});
  EXPECT_TRUE(put(*tree, model_, {1, 2}).error().is(std::errc::io_error));
  EXPECT_TRUE(tree->block_digest(BlockIndex(300)).error().is(Errc::not_resident));
  EXPECT_TRUE(open()->block_digest(BlockIndex(300)).error().is(Errc::not_resident));
}

TEST_F(TreeFileTest, disk_error_is_not_taken_for_an_absent_node) {
  put_all(*open());
  const auto tree = open();
  disk_.add({.call = test::DiskCall::read, .and_after = true});
  EXPECT_TRUE(tree->block_digest(BlockIndex(5)).error().is(std::errc::io_error));
  EXPECT_TRUE(tree->next_absent(everything()).error().is(std::errc::io_error));
}

TEST_F(TreeFileTest, largest_image_opens_and_answers_at_once) {
  const std::uint64_t last = blocks_for(max_image_size).value() - 1;
  model_ = test::model_of(max_image_size, {{last, test::make_digest(1)}});
  const auto tree = open();
  put_path(*tree, last);
  EXPECT_EQ(tree->block_digest(BlockIndex(last)).value(), test::make_digest(1));
  EXPECT_EQ(tree->next_data(model_.shape.blocks_below(model_.shape.root())).value(),
            (BlockRange{BlockIndex(last), BlockCount(1)}));
}

}  // namespace
}  // namespace weft
