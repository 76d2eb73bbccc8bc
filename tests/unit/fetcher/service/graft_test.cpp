// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/graft.h"

#include "fetcher/wire/pack_codec.h"
#include "indexer/store/store.h"
#include "indexer/tree/tree_builder.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using Nodes = std::map<TreeNode, NodeBytes>;

/// The tree of an image made of digests alone: block → a number that names its content.
struct DigestImage {
  DigestImage(std::uint64_t blocks, const std::map<std::uint64_t, std::uint64_t>& content) {
    const ByteCount size(blocks * block_size);
    TreeBuilder builder(size, [this](TreeNode node, const NodeBytes& bytes) -> Result<void> {
      nodes[node] = bytes;
      return {};
    });
    for (const auto& [block, name] : content) {
      const std::uint64_t gap = block - builder.position().value();
      EXPECT_TRUE(builder.append_zero(BlockCount(gap)));
      const Digest digest = sha256(std::as_bytes(std::span(&name, 1)));
      EXPECT_TRUE(builder.append(std::span(&digest, 1)));
    }
    EXPECT_TRUE(builder.append_zero(BlockCount(blocks - builder.position().value())));
    const Digest root = builder.finish().value();
    info = {make_image_id(size, root), size, root};
  }
  ImageInfo info;
  Nodes nodes;
};

std::map<std::uint64_t, std::uint64_t> runs_of(std::vector<std::pair<std::uint64_t, int>> runs) {
  std::map<std::uint64_t, std::uint64_t> content;
  for (const auto& [first, count] : runs) {
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i)
      content[first + i] = first + i + 1;
  }
  return content;
}

class GraftTest : public ::testing::Test {
 protected:
  GraftTest() {
    auto opened = Store::open(posix_file_system(), {.directory = directory_.path() / "state",
                                                    .free_space_floor = ByteCount(0)});
    store_ = std::move(*opened);
  }
  std::shared_ptr<LocalImage> adopt(const std::string& name, const DigestImage& image) {
    return store_->adopt(name, image.info).value();
  }
  std::shared_ptr<LocalImage> whole(const std::string& name, const DigestImage& image) {
    auto local = adopt(name, image);
    for (auto node = image.nodes.rbegin(); node != image.nodes.rend(); ++node)
      EXPECT_TRUE(local->add_node(node->first, node->second));
    return local;
  }
  static BlockRange everything(const LocalImage& image) {
    return {BlockIndex(0), image.shape().blocks()};
  }
  /// Asks a perfect peer for what cannot be copied until the tree is whole; returns what was asked.
  static std::vector<TreeNode> fetch_tree(LocalImage& image, const DigestImage& source,
                                          const RelativeImages& relatives) {
    std::vector<TreeNode> asked;
    for (int round = 0; round < 10; ++round) {
      EXPECT_TRUE(graft(image, relatives, everything(image)));
      const auto ahead = look_up_tree(image, everything(image), 1000).value();
      if (ahead.nodes.empty()) return asked;
      for (auto node = ahead.nodes.rbegin(); node != ahead.nodes.rend(); ++node) {
        const auto found = source.nodes.find(*node);
        if (found == source.nodes.end()) continue;  // zero after all
        asked.push_back(*node);
        (void)image.add_node(*node, found->second);
      }
    }
    ADD_FAILURE() << "the tree does not become whole";
    return asked;
  }
  static void expect_whole(LocalImage& image, const DigestImage& source) {
    for (const auto& [node, bytes] : source.nodes) {
      const auto here = image.node(node);
      ASSERT_TRUE(here) << "level " << int{node.level} << " index " << node.index;
      EXPECT_EQ(*here, bytes);
    }
  }

  test::TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(GraftTest, equal_subtrees_are_copied_with_all_that_is_below_them) {
  auto content = runs_of({{0, 300}, {17'000, 300}});
  const DigestImage old(40'000, content);
  content[17'001] = 1;
  const DigestImage changed(40'000, content);
  const auto relative = whole("old", old);
  const auto image = adopt("changed", changed);
  ASSERT_TRUE(image->add_node(image->shape().root(), changed.nodes.at(image->shape().root())));
  const auto copied = graft(*image, {relative}, everything(*image));
  ASSERT_TRUE(copied) << copied.error().message();
  EXPECT_EQ(*copied, 4u) << "three leaves and the node above them";
  EXPECT_EQ(image->first_missing_node(BlockIndex(299)).value(), std::nullopt);
  EXPECT_EQ(image->first_missing_node(BlockIndex(17'299)).value(), (TreeNode{2, 1}));
}

TEST_F(GraftTest, one_changed_block_in_ten_tebibytes_costs_one_path) {
  const std::uint64_t blocks = (std::uint64_t{10} << 40) / block_size;
  std::vector<std::pair<std::uint64_t, int>> runs;
  for (std::uint64_t i = 0; i < 50; ++i)
    runs.emplace_back(i * (blocks / 50), 200);
  auto content = runs_of(runs);
  const DigestImage old(blocks, content);
  content[17 * (blocks / 50) + 5] = 1;
  const DigestImage changed(blocks, content);
  const auto relative = whole("old", old);
  const auto image = adopt("changed", changed);
  ASSERT_TRUE(image->add_node(image->shape().root(), changed.nodes.at(image->shape().root())));
  std::vector<TreeNode> asked;
  // A whole subtree that is not known is asked for with the first leaves below it: only what is
  // copied is counted here, so go down one level at a time.
  for (unsigned level = image->shape().height() - 1; level >= 1; --level) {
    ASSERT_TRUE(graft(*image, {relative}, everything(*image)));
    const auto missing = image->first_missing_node(BlockIndex(17 * (blocks / 50) + 5)).value();
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->level, level);
    asked.push_back(*missing);
    ASSERT_TRUE(image->add_node(*missing, changed.nodes.at(*missing)));
  }
  ASSERT_TRUE(graft(*image, {relative}, everything(*image)));
  expect_whole(*image, changed);
  EXPECT_EQ(asked.size(), image->shape().height() - 1);
}

TEST_F(GraftTest, nothing_outside_of_the_window_is_copied) {
  const DigestImage old(40'000, runs_of({{0, 1000}, {20'000, 10}}));
  auto content = runs_of({{0, 1000}});
  const DigestImage shorter(40'000, content);
  const auto relative = whole("old", old);
  const auto image = adopt("shorter", shorter);
  ASSERT_TRUE(image->add_node(image->shape().root(), shorter.nodes.at(image->shape().root())));
  const auto copied = graft(*image, {relative}, {BlockIndex(200), BlockCount(100)});
  ASSERT_TRUE(copied);
  EXPECT_EQ(*copied, 3u) << "the node of level 2 and two leaves";
  EXPECT_EQ(image->first_missing_node(BlockIndex(0)).value(), (TreeNode{1, 0}));
}

TEST_F(GraftTest, an_image_that_grew_takes_over_the_tree_of_the_smaller_one) {
  auto content = runs_of({{0, 500}, {15'000, 300}});
  const DigestImage old(16'384, content);  // two levels
  content[30'000] = 77;
  const DigestImage grown(40'000, content);  // three
  const auto relative = whole("old", old);
  const auto image = adopt("grown", grown);
  const std::vector<TreeNode> asked = fetch_tree(*image, grown, {relative});
  expect_whole(*image, grown);
  EXPECT_EQ(std::ranges::count(asked, TreeNode{2, 0}), 1) << "with the root, in one round trip";
  EXPECT_EQ(std::ranges::count(asked, TreeNode{1, 117}), 0) << "copied";
}

TEST_F(GraftTest, what_one_relative_lacks_another_may_have) {
  const DigestImage target(40'000, runs_of({{0, 300}, {17'000, 300}, {33'000, 300}}));
  auto other = runs_of({{0, 300}, {17'000, 300}, {33'000, 300}});
  other[1] = 5;
  other[33'001] = 5;
  const DigestImage one(40'000, other);
  const auto partial = adopt("one", one);  // only its root is here
  ASSERT_TRUE(partial->add_node(partial->shape().root(), one.nodes.at(partial->shape().root())));
  other[1] = 2;
  const DigestImage two(40'000, other);
  const auto full = whole("two", two);
  const auto image = adopt("target", target);
  ASSERT_TRUE(image->add_node(image->shape().root(), target.nodes.at(image->shape().root())));
  ASSERT_TRUE(graft(*image, {nullptr, partial, full}, everything(*image)));
  EXPECT_EQ(image->first_missing_node(BlockIndex(0)).value(), std::nullopt);
  EXPECT_EQ(image->first_missing_node(BlockIndex(17'000)).value(), std::nullopt);
  EXPECT_EQ(image->first_missing_node(BlockIndex(33'000)).value(), (TreeNode{2, 2}));
}

TEST_F(GraftTest, without_relatives_nothing_is_copied) {
  const DigestImage target(1000, runs_of({{0, 300}}));
  const auto image = adopt("target", target);
  EXPECT_EQ(graft(*image, {}, everything(*image)).value(), 0u);
}

class UnpackTest : public GraftTest {
 protected:
  UnpackTest() : base_image_(1000, runs_of({{0, 900}})) { base_ = whole("base", base_image_); }
  NodePack pack(std::vector<wire::PrefixRun> prefix) {
    std::vector<std::byte> bytes;
    for (const wire::PrefixRun& run : prefix) {
      for (const TreeNode node : wire::to_nodes(std::span(&run.nodes, 1))) {
        const NodeBytes& part = base_image_.nodes.at(node);
        bytes.insert(bytes.end(), part.begin(), part.end());
      }
    }
    const NodeBytes& node = base_image_.nodes.at({1, 4});
    return {{{1, 9, 1}}, std::move(prefix), wire::pack_nodes(bytes, node)};
  }
  DigestImage base_image_;
  std::shared_ptr<LocalImage> base_;
};

TEST_F(UnpackTest, nodes_come_back_with_the_prefix_of_a_local_tree) {
  const auto nodes = unpack({pack({{0, {1, 3, 2}}})}, {base_});
  ASSERT_TRUE(nodes) << nodes.error().message();
  ASSERT_EQ(nodes->nodes.size(), 1u);
  EXPECT_EQ(nodes->nodes[0].node, (TreeNode{1, 9}));
  EXPECT_EQ(nodes->nodes[0].bytes, base_image_.nodes.at({1, 4}));
}

TEST_F(UnpackTest, a_base_or_a_node_that_has_gone_is_an_error_not_a_wrong_node) {
  const std::vector<NodePack> packs = {pack({{0, {1, 3, 2}}})};
  EXPECT_TRUE(unpack(packs, {nullptr}).error().is(Errc::not_resident));
  EXPECT_TRUE(unpack(packs, {}).error().is(Errc::not_resident));
  const DigestImage other(1000, runs_of({{0, 100}, {500, 1}}));
  const auto partial = adopt("partial", other);
  EXPECT_TRUE(unpack(packs, {partial}).error().is(Errc::not_resident));
}

TEST_F(UnpackTest, a_prefix_outside_of_the_base_is_refused) {
  NodePack lie = pack({{0, {1, 3, 2}}});
  lie.prefix = {{0, {1, 7, 2}}};
  EXPECT_TRUE(unpack({lie}, {base_}).error().is(Errc::peer_misbehaved));
  lie.prefix = {{0, {5, 0, 1}}};
  EXPECT_TRUE(unpack({lie}, {base_}).error().is(Errc::peer_misbehaved));
}

TEST_F(UnpackTest, a_lying_prefix_gives_an_error_or_other_nodes) {
  NodePack lie = pack({{0, {1, 3, 2}}});
  lie.prefix = {{0, {1, 5, 2}}};
  const auto nodes = unpack({lie}, {base_});
  EXPECT_TRUE(!nodes || nodes->nodes[0].bytes != base_image_.nodes.at({1, 4}));
}

}  // namespace
}  // namespace weft::fetcher::testing
