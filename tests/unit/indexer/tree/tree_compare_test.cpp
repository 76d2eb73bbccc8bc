// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_compare.h"

#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace weft {
namespace {

// A model as one side of a comparison; counts what is loaded, and may lack nodes.
struct Side {
  explicit Side(test::TreeModel m) : model(std::move(m)) {}

  ComparedTree tree() {
    return {.shape = model.shape, .root = model.root, .load = [this](TreeNode node) {
              ++loads;
              return load(node);
            }};
  }
  Result<NodeBytes> load(TreeNode node) const {
    EXPECT_TRUE(model.shape.contains(node));
    if (absent.contains(node)) return fail(Errc::not_resident, Operation::read);
    const auto found = model.nodes.find(node);
    EXPECT_NE(found, model.nodes.end()) << "a zero node was loaded";
    return found->second;
  }

  test::TreeModel model;
  std::set<TreeNode> absent;
  int loads = 0;
};

std::vector<Difference> compare(Side& a, Side& b) {
  std::vector<Difference> found;
  const auto outcome = compare_trees(a.tree(), b.tree(), [&](Difference d) {
    found.push_back(d);
    return true;
  });
  EXPECT_TRUE(outcome);
  return found;
}

// Draws differences over `count` blocks: '#' differs, '?' may differ.
std::string draw(const std::vector<Difference>& found, std::size_t count) {
  std::string picture(count, '.');
  for (const Difference& d : found)
    picture.replace(d.blocks.first.value(), d.blocks.count.value(), d.blocks.count.value(),
                    d.certain ? '#' : '?');
  return picture;
}

TEST(TreeCompare, finds_the_blocks_that_differ) {
  Side a(test::model_of(test::digests_of("abcdef..gh")));
  Side b(test::model_of(test::digests_of("abXdYZ.ig.")));
  EXPECT_EQ(draw(compare(a, b), 10), "..#.##.#.#");
}

TEST(TreeCompare, equal_trees_are_not_even_loaded) {
  Side a(test::model_of(test::digests_of("abc")));
  Side b(test::model_of(test::digests_of("abc")));
  EXPECT_TRUE(compare(a, b).empty());
  EXPECT_EQ(a.loads + b.loads, 0);
}

TEST(TreeCompare, equal_subtrees_are_skipped) {
  std::vector<Digest> digests(128 * 128 * 2);
  for (std::size_t i = 0; i < digests.size(); ++i)
    digests[i] = test::make_digest(i);
  Side a(test::model_of(digests));
  digests[20000] = test::make_digest(1);
  Side b(test::model_of(digests));
  const std::vector<Difference> expected{{{BlockIndex(20000), BlockCount(1)}, true}};
  EXPECT_EQ(compare(a, b), expected);
  EXPECT_EQ(a.loads, 3);  // one for each level
}

TEST(TreeCompare, blocks_past_the_end_of_the_smaller_image_count_as_zero) {
  const Digest x = test::make_digest(1);
  const Digest y = test::make_digest(2);
  Side small(test::model_of(bytes_of(BlockCount(100)), {{3, x}}));
  Side same(test::model_of(bytes_of(BlockCount(3'000'000)), {{3, x}}));
  Side more(test::model_of(bytes_of(BlockCount(3'000'000)), {{3, y}, {2'999'999, x}}));
  EXPECT_TRUE(compare(small, same).empty());
  const std::vector<Difference> expected{{{BlockIndex(3), BlockCount(1)}, true},
                                         {{BlockIndex(2'999'999), BlockCount(1)}, true}};
  EXPECT_EQ(compare(small, more), expected);
  EXPECT_EQ(compare(more, small), expected);
}

TEST(TreeCompare, below_an_absent_node_blocks_may_differ) {
  std::vector<Digest> digests(128 * 3, test::make_digest(1));
  Side a(test::model_of(digests));
  digests[5] = digests[200] = test::make_digest(2);
  Side b(test::model_of(digests));
  b.absent.insert({1, 1});
  const std::vector<Difference> expected{{{BlockIndex(5), BlockCount(1)}, true},
                                         {{BlockIndex(128), BlockCount(128)}, false}};
  EXPECT_EQ(compare(a, b), expected);
}

TEST(TreeCompare, random_trees_differ_where_their_digests_do) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    const auto digits = [&](std::size_t count) {
      std::vector<Digest> digests(count);
      for (Digest& digest : digests)
        if (random() % 2 == 0) digest = test::make_digest(random() % 2);
      return digests;
    };
    auto left = digits(1 + random() % 1000);
    auto right = digits(1 + random() % 40000);
    Side a(test::model_of(left));
    Side b(test::model_of(right));
    const std::size_t longest = std::max(left.size(), right.size());
    left.resize(longest);
    right.resize(longest);
    std::string expected(longest, '.');
    for (std::size_t i = 0; i < longest; ++i)
      if (left[i] != right[i]) expected[i] = '#';
    ASSERT_EQ(draw(compare(a, b), longest), expected) << "round " << round;
  }
}

TEST(TreeCompare, entries_past_the_end_of_a_tree_made_elsewhere_are_ignored) {
  test::TreeModel crooked = test::model_of(test::digests_of("ab"));
  NodeBytes& leaf = crooked.nodes.at({1, 0});
  set_node_entry(leaf, 100, test::make_digest(9));
  crooked.root = digest_of_node(leaf);
  Side a(crooked);
  Side b(test::model_of(bytes_of(BlockCount(1000)), {{0, test::digests_of("a")[0]}}));
  EXPECT_EQ(draw(compare(a, b), 4), ".#..");
}

TEST(TreeCompare, receiver_can_stop_early) {
  Side a(test::model_of(test::digests_of("a.b.c.d")));
  Side b(test::model_of(test::digests_of(".......")));
  int reports = 0;
  ASSERT_TRUE(compare_trees(a.tree(), b.tree(), [&](Difference) { return ++reports < 2; }));
  EXPECT_EQ(reports, 2);
}

TEST(TreeCompare, error_of_the_disk_is_passed_on) {
  Side a(test::model_of(test::digests_of("ab")));
  Side b(test::model_of(test::digests_of("ac")));
  ComparedTree broken = b.tree();
  broken.load = [](TreeNode) -> Result<NodeBytes> { return fail_errno(EIO, Operation::read); };
  const auto outcome = compare_trees(a.tree(), broken, [](Difference) { return true; });
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(std::errc::io_error));
}

}  // namespace
}  // namespace weft
