// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/prefix_choice.h"

#include "indexer/core/hash.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace weft::fetcher {
namespace {

using wire::NodeRun;
using wire::PrefixRun;

TreeShape leaves(std::uint64_t count) {
  return TreeShape(ByteCount(count * tree_fanout * block_size));
}

/// A leaf whose digests are named by numbers.
NodeBytes leaf(std::vector<std::uint64_t> names) {
  NodeBytes bytes{};
  for (unsigned slot = 0; slot < names.size(); ++slot)
    set_node_entry(bytes, slot, sha256(std::as_bytes(std::span(&names[slot], 1))));
  return bytes;
}

TEST(PrefixChoice, a_node_is_taken_only_for_digests_that_none_before_it_has) {
  PrefixChoice choice(leaf({1, 2, 3}), 10);
  choice.offer(0, {1, 4}, leaf({1, 7}));
  choice.offer(0, {1, 5}, leaf({8, 9}));
  choice.offer(0, {1, 20}, leaf({1, 2}));
  choice.offer(1, {1, 6}, leaf({2, 1}));
  EXPECT_FALSE(choice.done());
  choice.offer(1, {1, 7}, leaf({3}));
  EXPECT_TRUE(choice.done()) << "every digest is found";
  EXPECT_EQ(choice.runs(),
            (std::vector<PrefixRun>{{1, {1, 7, 1}}, {0, {1, 4, 1}}, {0, {1, 20, 1}}}))
      << "the most similar base comes last";
}

TEST(PrefixChoice, zero_blocks_need_no_prefix) {
  const PrefixChoice choice(NodeBytes{}, 10);
  EXPECT_TRUE(choice.done());
}

TEST(PrefixChoice, nodes_close_to_each_other_make_one_run) {
  PrefixChoice choice(leaf({1, 2, 3}), 20);
  choice.offer(0, {1, 10}, leaf({1}));
  choice.offer(0, {1, 14}, leaf({2}));
  choice.offer(0, {1, 30}, leaf({3}));
  EXPECT_EQ(choice.runs(), (std::vector<PrefixRun>{{0, {1, 10, 5}}, {0, {1, 30, 1}}}));
}

TEST(PrefixChoice, the_prefix_is_never_longer_than_its_limit) {
  PrefixChoice choice(leaf({1, 2, 3, 4, 5, 6}), 4);
  for (std::uint64_t i = 0; i < 6; ++i)
    choice.offer(0, {1, 3 * i}, leaf({i + 1}));
  EXPECT_TRUE(choice.done());
  EXPECT_LE(wire::count_nodes(choice.runs()), 4u);
}

TEST(PrefixChoice, what_is_too_scattered_is_cut_at_the_least_similar_base) {
  std::vector<std::byte> nodes;
  PrefixChoice none(nodes, 4096);
  std::vector<NodeBytes> wanted;
  for (std::uint64_t i = 0; i < 1200; ++i)
    wanted.push_back(leaf({i}));
  PrefixChoice choice(std::as_bytes(std::span(wanted)), 1200);
  for (std::uint64_t i = 0; i < 1200; ++i)
    choice.offer(i < 600 ? 0 : 1, {1, 100 * i}, wanted[i]);
  const auto runs = choice.runs();
  EXPECT_EQ(runs.size(), wire::max_node_runs);
  EXPECT_EQ(runs.back().base, 0);
  EXPECT_EQ(runs.back().nodes.first, 59900u);
}

TEST(PlacesToSearch, the_same_place_comes_first_then_its_surroundings) {
  const std::vector<NodeRun> wanted = {{2, 3, 1}, {1, 500, 10}};
  const auto places = places_to_search(wanted, leaves(2000), 100);
  ASSERT_GE(places.size(), 3u);
  EXPECT_EQ(places[0], (NodeRun{2, 3, 1}));
  EXPECT_EQ(places[1], (NodeRun{1, 492, 26}));
  EXPECT_EQ(places[2], (NodeRun{1, 455, 100}));
}

TEST(PlacesToSearch, a_base_that_is_small_enough_is_searched_whole) {
  const std::vector<NodeRun> wanted = {{1, 500, 10}};
  const auto places = places_to_search(wanted, leaves(9000), 8192);
  EXPECT_EQ(places[1], (NodeRun{1, 0, 4096}));
  EXPECT_EQ(places[2], (NodeRun{1, 4096, 4096}));
  EXPECT_EQ(places[3], (NodeRun{1, 8192, 808}));
}

TEST(PlacesToSearch, no_place_is_outside_of_the_base) {
  const std::vector<NodeRun> wanted = {{3, 2, 1}, {2, 1, 1}, {1, 500, 10}};
  const TreeShape base = leaves(130);  // two nodes of level 2, one of level 3
  for (const NodeRun& run : places_to_search(wanted, base, 64)) {
    EXPECT_TRUE(base.contains({run.level, run.first}));
    EXPECT_TRUE(base.contains({run.level, run.first + run.count - 1}));
  }
  EXPECT_TRUE(places_to_search(wanted, leaves(1), 4).size() <= 1);
}

}  // namespace
}  // namespace weft::fetcher
