// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/locator.h"

#include "tests/support/indexer/sample_image.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::fetcher::testing {
namespace {

class Verified : public ::testing::Test {
 protected:
  wire::ImageFound answer(std::uint64_t block = 200) {
    wire::ImageFound found;
    found.image = {"disk", image.info, image.blocks(), true};
    for (const TreeNode& node : TreeShape(image.info.size).path_to(BlockIndex(block))) {
      found.path.nodes.push_back({node, image.nodes.at(node)});
    }
    return found;
  }
  const test::SampleImage image{test::random_blocks(BlockCount(20'000), 1)};
};

TEST_F(Verified, an_honest_answer_is_passed_with_its_path) {
  const auto found = verified(answer(), "disk", BlockIndex(200));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->path.nodes.size(), 3U);
}

TEST_F(Verified, an_id_that_does_not_match_size_and_root_is_a_lie) {
  auto lie = answer();
  lie.image.info.size += ByteCount(4096);
  const auto found = verified(lie, "disk", BlockIndex(200));
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().is(Errc::peer_misbehaved));
}

TEST_F(Verified, another_image_than_the_one_asked_for_is_a_lie) {
  EXPECT_FALSE(verified(answer(), "other", BlockIndex(200)));
  EXPECT_TRUE(verified(answer(), to_hex(image.info.id), BlockIndex(200)));
  EXPECT_TRUE(verified(answer(), to_hex(image.info.id).substr(0, 8), BlockIndex(200)));
  EXPECT_FALSE(verified(answer(), std::string(64, 'a'), BlockIndex(200)));
}

TEST_F(Verified, a_changed_node_anywhere_on_the_path_is_a_lie) {
  for (std::size_t i = 0; i < 3; ++i) {
    auto lie = answer();
    lie.path.nodes[i].bytes[4000] ^= std::byte{1};
    EXPECT_FALSE(verified(lie, "disk", BlockIndex(200))) << i;
  }
}

TEST_F(Verified, nodes_behind_a_gap_cannot_be_proved_and_are_left_out) {
  auto part = answer();
  part.path.nodes.erase(part.path.nodes.begin() + 1);
  const auto found = verified(part, "disk", BlockIndex(200));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path.nodes.size(), 1U);
}

TEST_F(Verified, a_first_read_beyond_the_image_has_no_path) {
  const auto found = verified(answer(), "disk", BlockIndex(1'000'000));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->path.nodes.empty());
}

}  // namespace
}  // namespace weft::fetcher::testing
