// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/tree_wants.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher {
namespace {

using testing::blocks;
using wire::Priority;

constexpr PeerId a{1};
constexpr PeerId b{2};
constexpr TreeNode root{2, 0};
constexpr TreeNode leaf0{1, 0};
constexpr TreeNode leaf3{1, 3};
constexpr TimePoint t0{};
constexpr TimePoint later = t0 + std::chrono::seconds(1);

TEST(TreeWants, top_levels_are_asked_for_first) {
  TreeWants wants;
  wants.want(leaf3, Priority::demand);
  wants.want(leaf0, Priority::demand);
  wants.want(root, Priority::demand);
  EXPECT_EQ(wants.askable(a, Priority::demand, 128), (std::vector{root, leaf0, leaf3}));
  EXPECT_EQ(wants.askable(a, Priority::demand, 2), (std::vector{root, leaf0}));
}

TEST(TreeWants, node_in_flight_is_not_asked_for_again) {
  TreeWants wants;
  wants.want(leaf0, Priority::prefetch);
  wants.sent(std::vector{leaf0}, NodeFetchId{1});
  wants.want(leaf0, Priority::demand);
  EXPECT_FALSE(wants.any_wanted(Priority::prefetch));
  EXPECT_TRUE(wants.askable(b, Priority::prefetch, 128).empty());
  wants.check_invariants();
}

TEST(TreeWants, node_a_peer_lacks_is_asked_of_others_and_later_of_it_again) {
  TreeWants wants;
  wants.want(leaf0, Priority::demand);
  wants.sent(std::vector{leaf0}, NodeFetchId{1});
  EXPECT_TRUE(wants.answered(NodeFetchId{1}, a, {}, later));
  EXPECT_TRUE(wants.askable(a, Priority::demand, 128).empty());
  EXPECT_EQ(wants.askable(b, Priority::demand, 128).size(), 1U);
  wants.forget_lacks(later);
  EXPECT_EQ(wants.askable(a, Priority::demand, 128).size(), 1U);
  wants.check_invariants();
}

TEST(TreeWants, answer_with_a_node_nobody_asked_for_is_not_clean) {
  TreeWants wants;
  wants.want(leaf0, Priority::demand);
  wants.want(leaf3, Priority::demand);
  wants.sent(std::vector{leaf0}, NodeFetchId{1});
  EXPECT_FALSE(wants.answered(NodeFetchId{1}, a, std::vector{leaf0, leaf3}, later));
  wants.check_invariants();
}

TEST(TreeWants, blocks_await_their_leaf_until_it_has_landed) {
  TreeWants wants;
  EXPECT_FALSE(wants.awaits_leaf(blocks(0, 1000)));
  wants.want(root, Priority::demand);
  EXPECT_FALSE(wants.awaits_leaf(blocks(0, 1000))) << "an inner node is no leaf";
  wants.want(leaf3, Priority::demand);
  EXPECT_TRUE(wants.awaits_leaf(blocks(3 * 128 + 127, 1)));
  EXPECT_TRUE(wants.awaits_leaf(blocks(0, 3 * 128 + 1)));
  EXPECT_FALSE(wants.awaits_leaf(blocks(0, 3 * 128)));
  EXPECT_FALSE(wants.awaits_leaf(blocks(4 * 128, 1)));
  wants.landed(leaf3);
  EXPECT_FALSE(wants.awaits_leaf(blocks(0, 1000)));
}

TEST(TreeWants, wrong_node_is_wanted_again) {
  TreeWants wants;
  wants.want(leaf0, Priority::demand);
  wants.sent(std::vector{leaf0}, NodeFetchId{1});
  EXPECT_TRUE(wants.answered(NodeFetchId{1}, a, std::vector{leaf0}, later));
  EXPECT_FALSE(wants.any_wanted(Priority::demand));
  wants.returned(leaf0);
  EXPECT_TRUE(wants.any_wanted(Priority::demand));
  wants.check_invariants();
}

TEST(TreeWants, ending_a_prefetch_keeps_what_reads_need) {
  TreeWants wants;
  wants.want(leaf0, Priority::prefetch);
  wants.want(leaf3, Priority::prefetch);
  wants.want(leaf3, Priority::demand);
  wants.drop_prefetch();
  EXPECT_FALSE(wants.contains(leaf0));
  EXPECT_TRUE(wants.contains(leaf3));
}

}  // namespace
}  // namespace weft::fetcher
