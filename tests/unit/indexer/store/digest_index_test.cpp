// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/digest_index.h"

#include "indexer/similarity/signature.h"
#include "indexer/store/index_writer.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <utility>

namespace weft {
namespace {

using test::SampleImage;

class DigestIndexTest : public ::testing::Test {
 protected:
  /// The index of a tree of which `nodes` are here.
  std::shared_ptr<const DigestIndex> make(const SampleImage& sample,
                                          const std::map<TreeNode, NodeBytes>& nodes,
                                          ByteCount memory = ByteCount(32u << 20)) {
    auto& fs = posix_file_system();
    std::filesystem::remove(paths_.tree);
    TreeFile tree(fs.open(paths_.tree, OpenMode::create).value(), sample.info);
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node)
      EXPECT_TRUE(tree.put(node->first, node->second));
    const auto whole = write_digest_index(fs, paths_, sample.info.id, tree, {memory});
    EXPECT_TRUE(whole) << whole.error().message();
    auto index = DigestIndex::open(fs.open(paths_.index, OpenMode::read).value(), sample.info.id);
    EXPECT_TRUE(index) << index.error().message();
    EXPECT_EQ((*index)->is_whole(), *whole);
    return *index;
  }
  using Matches = std::multimap<std::size_t, std::uint64_t>;
  static Matches match(const DigestIndex& index, std::span<const DigestKey> keys,
                       unsigned drop_bits = 0) {
    Matches out;
    EXPECT_TRUE(index.match(
        keys, drop_bits, [&](std::size_t i, BlockIndex block) { out.emplace(i, block.value()); }));
    return out;
  }

  const test::TempDirectory dir_;
  const ImagePaths paths_{dir_ / ""};
};

TEST_F(DigestIndexTest, matches_are_those_of_a_look_at_every_block) {
  const SampleImage sample(test::random_blocks(BlockCount(3000), 1));
  const auto index = make(sample, sample.nodes);
  std::mt19937_64 random(1);
  for (const std::size_t wanted : {1u, 5u, 300u, 3000u}) {
    for (const unsigned drop_bits : {0u, 24u, 56u}) {
      std::vector<DigestKey> keys;
      for (std::size_t i = 0; i < wanted; ++i) {
        const bool known = random() % 2 == 0;
        keys.push_back((known ? digest_key(sample.digests[random() % 3000]) : random()) >>
                       drop_bits);
      }
      std::ranges::sort(keys);
      Matches expected;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        for (std::uint64_t b = 0; b < 3000; ++b) {
          if (digest_key(sample.digests[b]) >> drop_bits == keys[i]) expected.emplace(i, b);
        }
      }
      const auto found = match(*index, keys, drop_bits);
      EXPECT_EQ(std::multiset(found.begin(), found.end()),
                std::multiset(expected.begin(), expected.end()))
          << wanted << " keys without " << drop_bits << " bits";
    }
  }
}

TEST_F(DigestIndexTest, equal_blocks_are_entered_up_to_a_limit_across_pages) {
  std::string picture = "x";
  picture.append(1000, 'a');
  picture.append(30, 'b');
  picture += "yz";
  const auto sample = SampleImage::picture(picture);
  const auto index = make(sample, sample.nodes);
  EXPECT_EQ(index->covered(), BlockCount(1033));
  EXPECT_EQ(index->entries(), 3 + 30 + DigestIndex::entries_a_key);
  const std::array keys = {digest_key(sample.digests[1])};
  const auto of_a = match(*index, keys);
  EXPECT_EQ(of_a.size(), DigestIndex::entries_a_key);
  EXPECT_EQ(of_a.begin()->second, 1u) << "the first ones";
  const std::array other = {digest_key(sample.digests[1001])};
  EXPECT_EQ(match(*index, other).size(), 30u);
  EXPECT_EQ(index->signature(100)->unique_blocks, BlockCount(5));
}

TEST_F(DigestIndexTest, little_memory_gives_the_same_index) {
  const SampleImage sample(test::random_blocks(BlockCount(3000), 1));
  make(sample, sample.nodes);
  const auto expected = test::read_file(paths_.index);
  make(sample, sample.nodes, ByteCount(4096));
  EXPECT_EQ(test::read_file(paths_.index), expected);
}

TEST_F(DigestIndexTest, equal_blocks_without_end_stay_within_the_memory) {
  std::string picture(5000, 'a');
  for (std::size_t i = 0; i < picture.size(); i += 7)
    picture[i] = static_cast<char>('b' + i % 20);
  const auto sample = SampleImage::picture(picture);
  make(sample, sample.nodes);
  const auto expected = test::read_file(paths_.index);
  make(sample, sample.nodes, ByteCount(1024));
  EXPECT_EQ(test::read_file(paths_.index), expected);
}

TEST_F(DigestIndexTest, part_of_a_tree_is_covered_as_far_as_it_is_here) {
  const SampleImage sample(test::random_blocks(BlockCount(500), 1));
  auto nodes = sample.nodes;
  nodes.erase(TreeNode{1, 0});
  nodes.erase(TreeNode{1, 2});
  const auto index = make(sample, nodes);
  EXPECT_FALSE(index->is_whole());
  EXPECT_EQ(index->covered(), BlockCount(500 - 256));
  std::vector<DigestKey> keys;
  for (const Digest& digest : sample.digests)
    keys.push_back(digest_key(digest));
  std::ranges::sort(keys);
  std::set<std::uint64_t> found;
  for (const auto& [i, block] : match(*index, keys))
    found.insert(block);
  EXPECT_EQ(found.size(), 244u);
  EXPECT_TRUE(found.contains(128) && !found.contains(127) && !found.contains(256));
}

TEST_F(DigestIndexTest, image_of_zeros_has_an_empty_one) {
  const auto sample = SampleImage::picture("....");
  const auto index = make(sample, sample.nodes);
  EXPECT_TRUE(index->is_whole());
  EXPECT_EQ(index->entries(), 0u);
  const std::array keys = {DigestKey{0}, DigestKey{5}};
  EXPECT_TRUE(match(*index, keys).empty());
  EXPECT_TRUE(index->signature(10)->keys.empty());
}

}  // namespace
}  // namespace weft
