// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_builder.h"

#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace weft {
namespace {

using Nodes = std::map<TreeNode, NodeBytes>;

TreeBuilder::Sink collect(Nodes& nodes) {
  return [&nodes](TreeNode node, const NodeBytes& bytes) -> Result<void> {
    EXPECT_TRUE(nodes.emplace(node, bytes).second) << "emitted twice";
    return {};
  };
}

std::vector<Digest> some_digests(std::size_t count, std::uint64_t zero_every) {
  std::vector<Digest> digests(count);
  for (std::size_t i = 0; i < count; ++i)
    if (zero_every == 0 || i % zero_every != 0) digests[i] = test::make_digest(i);
  return digests;
}

TEST(TreeBuilder, builds_the_same_tree_as_the_obvious_way) {
  for (const std::size_t count : {1u, 127u, 128u, 129u, 16384u, 16385u, 20000u}) {
    const auto digests = some_digests(count, 3);
    const test::TreeModel model = test::model_of(digests);
    Nodes nodes;
    TreeBuilder builder(bytes_of(BlockCount(count)), collect(nodes));
    ASSERT_TRUE(builder.append(digests));
    const auto root = builder.finish();
    ASSERT_TRUE(root);
    EXPECT_EQ(*root, model.root) << count;
    EXPECT_EQ(nodes, model.nodes) << count;
  }
}

TEST(TreeBuilder, pieces_of_any_length_make_the_same_tree) {
  const auto digests = some_digests(40000, 5);
  const test::TreeModel model = test::model_of(digests);
  std::mt19937 random(1);
  Nodes nodes;
  TreeBuilder builder(bytes_of(BlockCount(digests.size())), collect(nodes));
  for (std::span rest(digests); !rest.empty();) {
    const std::size_t n = std::min<std::size_t>(rest.size(), random() % 700);
    ASSERT_TRUE(builder.append(rest.first(n)));
    rest = rest.subspan(n);
  }
  EXPECT_EQ(builder.finish().value(), model.root);
  EXPECT_EQ(nodes, model.nodes);
}

TEST(TreeBuilder, hole_of_terabytes_emits_nothing_and_costs_nothing) {
  Nodes nodes;
  TreeBuilder builder(max_image_size, collect(nodes));
  const Digest first = test::make_digest(1);
  const Digest last = test::make_digest(2);
  ASSERT_TRUE(builder.append({&first, 1}));
  ASSERT_TRUE(builder.append_zero(builder.shape().blocks() - BlockCount(2)));
  ASSERT_TRUE(builder.append({&last, 1}));
  const Digest root = builder.finish().value();
  const std::uint64_t last_block = builder.shape().blocks().value() - 1;
  EXPECT_EQ(root, test::model_of(max_image_size, {{0, first}, {last_block, last}}).root);
  EXPECT_EQ(nodes.size(), 2 * builder.shape().height() - 1);
}

TEST(TreeBuilder, image_of_zeros_has_the_zero_root_and_no_nodes) {
  Nodes nodes;
  TreeBuilder builder(ByteCount(1'000'000'000), collect(nodes));
  ASSERT_TRUE(builder.append_zero(builder.shape().blocks()));
  EXPECT_TRUE(builder.finish().value().is_zero());
  EXPECT_TRUE(nodes.empty());
}

TEST(TreeBuilder, zero_digests_and_holes_are_the_same) {
  const std::vector<Digest> zeros(300);
  const Digest one = test::make_digest(7);
  Nodes nodes;
  TreeBuilder listed(bytes_of(BlockCount(301)), collect(nodes));
  ASSERT_TRUE(listed.append(zeros));
  ASSERT_TRUE(listed.append({&one, 1}));
  Nodes skipped_nodes;
  TreeBuilder skipped(bytes_of(BlockCount(301)), collect(skipped_nodes));
  ASSERT_TRUE(skipped.append_zero(BlockCount(300)));
  ASSERT_TRUE(skipped.append({&one, 1}));
  EXPECT_EQ(listed.finish().value(), skipped.finish().value());
  EXPECT_EQ(nodes, skipped_nodes);
}

TEST(TreeBuilder, failure_of_the_sink_is_passed_on) {
  TreeBuilder builder(bytes_of(BlockCount(129)), [](TreeNode, const NodeBytes&) -> Result<void> {
    return fail_errno(ENOSPC, Operation::write);
  });
  const auto outcome = builder.append(some_digests(129, 0));
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(std::errc::no_space_on_device));
}

TEST(TreeBuilderDeathTest, more_digests_than_blocks_is_a_bug) {
  Nodes nodes;
  TreeBuilder builder(ByteCount(4096), collect(nodes));
  const auto digests = some_digests(2, 0);
  EXPECT_DEATH(static_cast<void>(builder.append(digests)), "more digests than blocks");
}

}  // namespace
}  // namespace weft
