// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

using test::SampleImage;

class Resolve : public test::StoreFixture {
 protected:
  FileSystem& file_system() override { return fs_; }
  void TearDown() override { store_.reset(); }
  static BlockRange all(const SampleImage& sample) { return {BlockIndex(0), sample.blocks()}; }
  /// Two halves of an image of 6 leaves, and another with some of it at other places.
  static SampleImage shuffled(const SampleImage& base) {
    std::vector<std::byte> bytes(base.block(400, 300).begin(), base.block(400, 300).end());
    bytes.insert(bytes.end(), base.bytes.begin(), base.bytes.begin() + 300 * block_size);
    return SampleImage(std::move(bytes));
  }

  test::FaultyFileSystem fs_;
};

TEST_F(Resolve, blocks_of_an_image_that_came_later_are_found) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("xab.efy");
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  EXPECT_EQ(local->resolve(all(next)), BlockCount(0));
  ASSERT_TRUE(import(base, "base"));
  EXPECT_EQ(local->resolve(all(next)), BlockCount(4));
  EXPECT_EQ(residency(*local), ".#####.");
  EXPECT_EQ(local->usage().borrowed, BlockCount(4));
}

TEST_F(Resolve, flush_looks_for_what_came_with_other_images) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("xab.efy");
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  ASSERT_TRUE(import(base, "base"));
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(residency(*local), ".#####.");
}

TEST_F(Resolve, range_bounds_what_is_looked_for_to_its_leaves) {
  const SampleImage base(test::random_blocks(BlockCount(700), 1));
  const auto next = shuffled(base);
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  ASSERT_TRUE(import(base, "base"));
  EXPECT_EQ(local->resolve({BlockIndex(130), BlockCount(4)}), BlockCount(4));
  EXPECT_FALSE(local->readable({BlockIndex(0), BlockCount(1)}));
  EXPECT_FALSE(local->readable({BlockIndex(256), BlockCount(1)}));
  EXPECT_EQ(local->resolve(all(next)), next.blocks() - BlockCount(128));
  EXPECT_TRUE(reads_as(*local, next));
}

TEST_F(Resolve, asking_again_without_news_reads_no_index) {
  const SampleImage base(test::random_blocks(BlockCount(700), 1));
  const SampleImage next(test::random_blocks(BlockCount(700), 2));
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  const auto reads_of_one = [&] {
    const auto before = fs_.calls(test::DiskCall::read);
    EXPECT_EQ(local->resolve(all(next)), BlockCount(0));
    return fs_.calls(test::DiskCall::read) - before;
  };
  const auto in_vain = reads_of_one();
  EXPECT_EQ(reads_of_one(), in_vain);
  ASSERT_TRUE(import(SampleImage::picture("abc"), "news"));
  EXPECT_GT(reads_of_one(), in_vain) << "there is something new to look at";
  EXPECT_EQ(reads_of_one(), in_vain);
}

TEST_F(Resolve, nodes_that_land_together_are_looked_up_together) {
  const SampleImage base(test::random_blocks(BlockCount(700), 1));
  const auto next = shuffled(base);
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  std::vector<PlacedNode> nodes;
  for (auto node = next.nodes.rbegin(); node != next.nodes.rend(); ++node)
    nodes.push_back({node->first, node->second});
  const NodeBytes wrong{std::byte{1}};
  nodes.insert(nodes.begin() + 2, {nodes[2].node, wrong});
  const auto outcomes = local->add_nodes(nodes);
  ASSERT_EQ(outcomes.size(), nodes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (i == 2) {
      EXPECT_TRUE(outcomes[i].error().is(Errc::digest_mismatch));
    } else {
      EXPECT_TRUE(outcomes[i]) << i;
    }
  }
  EXPECT_TRUE(reads_as(*local, next));
  EXPECT_EQ(local->usage().borrowed, next.blocks());
}

TEST_F(Resolve, image_that_is_partly_here_lends_what_it_has) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("fedcba");
  const auto part = adopt(base, "base");
  ASSERT_TRUE(base.send_tree(*part));
  ASSERT_TRUE(base.send_blocks(*part, 0, 3));
  ASSERT_TRUE(store_->flush());
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  EXPECT_EQ(residency(*local), "...###");
  ASSERT_TRUE(base.send_blocks(*part, 4, 1));
  ASSERT_TRUE(store_->flush());
  ASSERT_TRUE(local->resolve(all(next)));
  EXPECT_EQ(residency(*local), ".#.###");
  EXPECT_EQ(local->usage().borrowed, BlockCount(4));
}

TEST_F(Resolve, image_whose_tree_is_partly_here_lends_too_and_after_a_restart) {
  const SampleImage base(test::random_blocks(BlockCount(300), 1));
  const SampleImage next(
      std::vector(base.bytes.begin() + 20 * block_size, base.bytes.begin() + 120 * block_size));
  {
    const auto part = adopt(base, "base");
    for (const TreeNode node : {base.nodes.rbegin()->first, TreeNode{1, 0}})
      ASSERT_TRUE(part->add_node(node, base.nodes.at(node)));
    ASSERT_TRUE(base.send_blocks(*part, 0, 128));
  }
  reopen();
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  EXPECT_TRUE(reads_as(*local, next));
}

TEST_F(Resolve, block_that_is_elsewhere_in_the_image_is_copied) {
  const auto sample = SampleImage::picture("ab.abba");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(local->resolve(all(sample)), BlockCount(0));
  ASSERT_TRUE(sample.send_blocks(*local, 4, 1));
  EXPECT_EQ(local->resolve(all(sample)), BlockCount(2));
  EXPECT_EQ(residency(*local), ".##.##.");
  ASSERT_TRUE(sample.send_blocks(*local, 0, 1));
  EXPECT_EQ(local->resolve(all(sample)), BlockCount(2));
  EXPECT_TRUE(reads_as(*local, sample));
  EXPECT_EQ(local->usage().resident, BlockCount(6));
}

TEST_F(Resolve, twin_that_is_damaged_is_not_copied) {
  const auto sample = SampleImage::picture("aa");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(sample.send_blocks(*local, 0, 1));
  ASSERT_TRUE(local->flush());
  const auto pack = dir_ / "state" / "images" / to_hex(sample.info.id) / "pack";
  auto file = posix_file_system().open(pack, OpenMode::read_write).value();
  ASSERT_TRUE(file->write_at(ByteOffset(5), std::array{sample.block(0)[5] ^ std::byte{1}}));
  EXPECT_EQ(local->resolve(all(sample)), BlockCount(0));
  EXPECT_FALSE(local->readable({BlockIndex(1), BlockCount(1)}));
}

TEST_F(Resolve, full_disk_stops_the_copying_of_twins_only) {
  const auto sample = SampleImage::picture("aab");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(sample.send_blocks(*local, 0, 1));
  ASSERT_TRUE(local->flush());
  fs_.set_space(ByteCount(100));
  const auto resolved = local->resolve(all(sample));
  ASSERT_FALSE(resolved);
  EXPECT_TRUE(resolved.error().is(std::errc::no_space_on_device));
  EXPECT_EQ(residency(*local), "#..");
}

}  // namespace
}  // namespace weft
