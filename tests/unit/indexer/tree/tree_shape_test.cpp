// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_shape.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr ByteCount blocks(std::uint64_t n) {
  return ByteCount(n * block_size);
}

TEST(TreeShape, height_is_what_the_blocks_need) {
  struct Row {
    ByteCount size;
    unsigned height;
  };
  const Row rows[] = {
      {ByteCount(1), 1},      {blocks(1), 1},
      {blocks(128), 1},       {blocks(128) + ByteCount(1), 2},
      {blocks(128 * 128), 2}, {blocks(128 * 128 + 1), 3},
      {max_image_size, 5},
  };
  for (const Row& row : rows)
    EXPECT_EQ(TreeShape(row.size).height(), row.height) << row.size.value();
}

TEST(TreeShape, partly_used_last_block_counts_as_a_block) {
  const TreeShape shape(blocks(128) + ByteCount(1));
  EXPECT_EQ(shape.blocks(), BlockCount(129));
  EXPECT_EQ(shape.nodes_at(1), 2u);
  EXPECT_EQ(shape.entries({1, 1}), 1u);
  EXPECT_EQ(shape.entries({1, 0}), 128u);
  EXPECT_EQ(shape.entries(shape.root()), 2u);
}

TEST(TreeShape, nodes_lie_root_first_then_level_by_level) {
  const TreeShape shape(blocks(128 * 128 + 1));
  ASSERT_EQ(shape.height(), 3u);
  EXPECT_EQ(shape.ordinal({3, 0}), 0u);
  EXPECT_EQ(shape.ordinal({2, 0}), 1u);
  EXPECT_EQ(shape.ordinal({2, 1}), 2u);
  EXPECT_EQ(shape.ordinal({1, 0}), 3u);
  EXPECT_EQ(shape.ordinal({1, 128}), 3u + 128);
  EXPECT_EQ(shape.total_nodes(), 1u + 2 + 129);
}

TEST(TreeShape, node_covers_its_blocks_clipped_to_the_image) {
  const TreeShape shape(blocks(128 * 128 + 5));
  EXPECT_EQ(shape.blocks_below({1, 1}), (BlockRange{BlockIndex(128), BlockCount(128)}));
  EXPECT_EQ(shape.blocks_below({2, 1}), (BlockRange{BlockIndex(128 * 128), BlockCount(5)}));
  EXPECT_EQ(shape.blocks_below(shape.root()), (BlockRange{BlockIndex(0), shape.blocks()}));
}

TEST(TreeShape, path_leads_from_the_root_to_the_leaf) {
  const TreeShape shape(blocks(128 * 128 * 2));
  const std::vector<TreeNode> expected{{3, 0}, {2, 1}, {1, 130}};
  EXPECT_EQ(shape.path_to(BlockIndex(130 * 128 + 7)), expected);
}

TEST(TreeShape, child_is_the_node_or_block_that_an_entry_stands_for) {
  EXPECT_EQ(TreeShape::child({3, 2}, 5), (TreeNode{2, 2 * 128 + 5}));
  EXPECT_EQ(TreeShape::child({1, 2}, 127), (TreeNode{0, 2 * 128 + 127}));
  const TreeNode child = TreeShape::child({2, 7}, 9);
  EXPECT_EQ(TreeShape::parent(child), (TreeNode{2, 7}));
  EXPECT_EQ(TreeShape::slot(child), 9u);
}

TEST(TreeShape, contains_no_node_past_the_edges) {
  const TreeShape shape(blocks(129));
  EXPECT_TRUE(shape.contains({1, 1}));
  EXPECT_FALSE(shape.contains({1, 2}));
  EXPECT_FALSE(shape.contains({3, 0}));
  EXPECT_FALSE(shape.contains({0, 0}));
}

TEST(TreeShape, largest_image_keeps_every_ordinal_in_64_bits) {
  const TreeShape shape(max_image_size);
  const TreeNode last{1, shape.nodes_at(1) - 1};
  EXPECT_EQ(shape.ordinal(last), shape.total_nodes() - 1);
  EXPECT_EQ(shape.blocks_below(last).end().value(), shape.blocks().value());
}

TEST(TreeShapeDeathTest, size_zero_is_a_bug) {
  EXPECT_DEATH(TreeShape(ByteCount(0)), "image size");
}

}  // namespace
}  // namespace weft
