// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/lookup.h"

#include "fetcher/service/landing.h"
#include "fetcher/service/materializer.h"
#include "indexer/store/store.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// 40 000 blocks, data in the first 200 and at 33 000 only: leaves of holes, and a third level.
class LookUp : public ::testing::Test {
 protected:
  LookUp() {
    auto opened = Store::open(posix_file_system(), {.directory = directory.path() / "state",
                                                    .free_space_floor = ByteCount(0)});
    store = std::move(*opened);
    local = *store->adopt("disk", image.info);
  }
  static std::vector<std::byte> content() {
    std::vector<std::byte> bytes(40'000 * block_size);
    test::fill_random(std::span(bytes).first(200 * block_size), 1);
    test::fill_random(std::span(bytes).subspan(33'000 * block_size, block_size), 2);
    return bytes;
  }
  void give(TreeNode node) { ASSERT_TRUE(local->add_node(node, image.nodes.at(node))); }
  wire::TreeNodes::Entry entry(TreeNode node) { return {node, image.nodes.at(node)}; }

  const test::SampleImage image{content()};
  test::TempDirectory directory;
  std::unique_ptr<Store> store;
  std::shared_ptr<LocalImage> local;
};

TEST_F(LookUp, nothing_known_wants_the_whole_path_of_every_leaf) {
  const auto missing = look_up_missing(*local, blocks(120, 16));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->blocks, std::vector{blocks(120, 16)});
  EXPECT_EQ(missing->nodes, (std::vector<TreeNode>{{1, 0}, {1, 1}, {2, 0}, {3, 0}}));
}

TEST_F(LookUp, known_nodes_and_zero_subtrees_are_not_wanted) {
  give({3, 0});
  give({2, 0});
  const auto missing = look_up_missing(*local, blocks(190, 200));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->nodes, (std::vector<TreeNode>{{1, 1}}));
  EXPECT_EQ(missing->blocks, std::vector{blocks(190, 256 - 190)}) << "from 256 on it is zero";
  give({1, 1});
  EXPECT_EQ(look_up_missing(*local, blocks(190, 200))->blocks, std::vector{blocks(190, 10)});
}

TEST_F(LookUp, the_tree_ahead_asks_for_top_nodes_with_a_first_descent) {
  const auto cold = look_up_tree(*local, blocks(0, 40'000), 128);
  ASSERT_TRUE(cold);
  EXPECT_EQ(cold->complete_to, BlockIndex(0));
  EXPECT_EQ(cold->nodes.size(), 18U) << "root, one below, sixteen leaves";
  give({3, 0});
  give({2, 0});
  give({1, 0});
  const auto warm = look_up_tree(*local, blocks(0, 40'000), 128);
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm->complete_to, BlockIndex(128));
  EXPECT_TRUE(std::ranges::find(warm->nodes, TreeNode{1, 1}) != warm->nodes.end());
  EXPECT_TRUE(std::ranges::find(warm->nodes, TreeNode{2, 2}) != warm->nodes.end());
  EXPECT_EQ(std::ranges::find(warm->nodes, TreeNode{2, 1}), warm->nodes.end()) << "zero";
}

TEST_F(LookUp, blocks_ahead_stop_at_the_limit) {
  ASSERT_TRUE(image.send_tree(*local));
  const auto ahead = look_up_blocks(*local, blocks(0, 40'000), BlockCount(150));
  ASSERT_TRUE(ahead);
  EXPECT_EQ(ahead->blocks, std::vector{blocks(0, 150)});
  EXPECT_EQ(ahead->looked_to, BlockIndex(150));
  const auto rest = look_up_blocks(*local, blocks(150, 39'850), BlockCount(150));
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->blocks, (std::vector{blocks(150, 50), blocks(33'000, 1)}));
  EXPECT_EQ(rest->looked_to, BlockIndex(40'000));
}

TEST_F(LookUp, readable_and_unreadable_parts_cover_the_range) {
  ASSERT_TRUE(image.send_tree(*local));
  ASSERT_TRUE(image.send_blocks(*local, 10, 5));
  EXPECT_EQ(not_readable(*local, {blocks(8, 10)}), (std::vector{blocks(8, 2), blocks(15, 3)}));
  EXPECT_EQ(readable_parts(*local, blocks(8, 10)), std::vector{blocks(10, 5)});
}

TEST_F(LookUp, nodes_land_in_any_order_of_arrival) {
  LooseTree loose;
  const auto landed = land_nodes(*local, loose, {entry({1, 0}), entry({3, 0}), entry({2, 0})});
  EXPECT_EQ(landed.landed.size(), 3U);
  EXPECT_TRUE(landed.waiting.empty());
  EXPECT_TRUE(std::ranges::find(landed.readable, blocks(16'384, 16'384)) != landed.readable.end())
      << "the root proves a zero subtree";
}

TEST_F(LookUp, a_node_without_its_parent_waits_and_says_for_what) {
  LooseTree loose;
  const auto landed = land_nodes(*local, loose, {entry({1, 0})});
  ASSERT_EQ(landed.waiting.size(), 1U);
  EXPECT_EQ(landed.missing, (std::vector<TreeNode>{{2, 0}, {3, 0}}));
}

TEST_F(LookUp, a_wrong_node_is_told_from_a_node_that_waits) {
  LooseTree loose;
  auto lie = entry({3, 0});
  lie.bytes[0] ^= std::byte{1};
  const auto landed = land_nodes(*local, loose, {lie, entry({2, 0})});
  EXPECT_EQ(landed.wrong, (std::vector<TreeNode>{{3, 0}}));
  EXPECT_EQ(landed.waiting.size(), 1U);
}

TEST_F(LookUp, blocks_without_their_leaf_are_unproved_not_wrong) {
  LooseTree loose;
  wire::BlockBatch batch;
  batch.ranges = {blocks(0, 1)};
  batch.packed.assign(image.block(0).begin(), image.block(0).end());
  const LandedBlocks landed = land_blocks(*local, loose, batch);
  EXPECT_EQ(landed.unproved, std::vector{blocks(0, 1)});
  EXPECT_EQ(landed.missing.size(), 3U);
  EXPECT_TRUE(landed.wrong.empty());
}

TEST_F(LookUp, a_batch_that_does_not_unpack_is_wrong_as_a_whole) {
  ASSERT_TRUE(image.send_tree(*local));
  LooseTree loose;
  wire::BlockBatch batch;
  batch.ranges = {blocks(0, 3)};
  batch.packed.resize(100);
  const LandedBlocks landed = land_blocks(*local, loose, batch);
  EXPECT_EQ(landed.wrong, std::vector{blocks(0, 3)});
  ASSERT_TRUE(landed.lie.has_value());
}

}  // namespace
}  // namespace weft::fetcher::testing
