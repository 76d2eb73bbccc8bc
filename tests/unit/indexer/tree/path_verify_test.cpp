// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/path_verify.h"

#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

constexpr std::uint64_t data_block = 128 * 128 + 300;

class PathVerify : public testing::Test {
 protected:
  PathVerify()
      : model_(test::model_of(bytes_of(BlockCount(40000)),
                              {{5, test::make_digest(5)}, {data_block, test::make_digest(6)}})) {}

  // As an honest peer sends it: up to the leaf, or to the node with the zero entry.
  std::vector<PathNode> path_to(std::uint64_t block) const {
    std::vector<PathNode> path;
    for (const TreeNode node : model_.shape.path_to(BlockIndex(block))) {
      const auto found = model_.nodes.find(node);
      if (found == model_.nodes.end()) break;
      path.push_back({node, found->second});
    }
    return path;
  }

  test::TreeModel model_;
};

TEST_F(PathVerify, honest_path_proves_the_digest) {
  const auto verdict = verify_path(model_.info(), BlockIndex(data_block), path_to(data_block));
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->digest, test::make_digest(6));
  EXPECT_EQ(verdict->nodes, 3u);
}

TEST_F(PathVerify, path_that_ends_at_a_zero_entry_proves_zero) {
  const auto verdict = verify_path(model_.info(), BlockIndex(39999), path_to(39999));
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->digest.is_zero());
  EXPECT_EQ(verdict->nodes, 1u);
}

TEST_F(PathVerify, image_of_zeros_needs_no_node) {
  const test::TreeModel zeros = test::model_of(ByteCount(1 << 20), {});
  const auto verdict = verify_path(zeros.info(), BlockIndex(7), {});
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->digest.is_zero());
}

TEST_F(PathVerify, any_changed_byte_is_found) {
  for (std::size_t level = 0; level < 3; ++level) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{block_size - 1}}) {
      auto path = path_to(data_block);
      NodeBytes forged;
      std::ranges::copy(path[level].bytes, forged.begin());
      forged[at] ^= std::byte{1};
      path[level] = PathNode{path[level].node, forged};
      const auto verdict = verify_path(model_.info(), BlockIndex(data_block), path);
      ASSERT_FALSE(verdict);
      EXPECT_TRUE(verdict.error().is(Errc::digest_mismatch)) << level;
    }
  }
}

TEST_F(PathVerify, path_cut_short_is_right_as_far_as_it_goes) {
  auto path = path_to(data_block);
  path.pop_back();
  const auto verdict = verify_path(model_.info(), BlockIndex(data_block), path);
  ASSERT_FALSE(verdict);
  EXPECT_TRUE(verdict.error().is(Errc::not_resident));
}

TEST_F(PathVerify, path_to_another_block_is_refused) {
  const auto verdict = verify_path(model_.info(), BlockIndex(data_block), path_to(5));
  ASSERT_FALSE(verdict);
  EXPECT_TRUE(verdict.error().is(Errc::bad_request));
}

TEST_F(PathVerify, block_outside_of_the_image_is_refused) {
  const auto verdict = verify_path(model_.info(), BlockIndex(40000), path_to(5));
  ASSERT_FALSE(verdict);
  EXPECT_TRUE(verdict.error().is(Errc::bad_request));
}

TEST_F(PathVerify, info_whose_id_is_not_its_own_is_refused) {
  ImageInfo info = model_.info();
  info.id = ImageId{};
  const auto verdict = verify_path(info, BlockIndex(data_block), path_to(data_block));
  ASSERT_FALSE(verdict);
  EXPECT_TRUE(verdict.error().is(Errc::digest_mismatch));
}

}  // namespace
}  // namespace weft
