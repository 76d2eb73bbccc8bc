// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/tree_pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace weft::fetcher::wire {
namespace {

TEST(NodeRuns, neighbours_of_a_level_are_one_run_top_levels_first) {
  const std::vector<NodeRun> runs = to_runs({{1, 5}, {2, 0}, {1, 4}, {1, 7}, {3, 0}});
  EXPECT_EQ(runs, (std::vector<NodeRun>{{3, 0, 1}, {2, 0, 1}, {1, 4, 2}, {1, 7, 1}}));
}

TEST(NodeRuns, any_nodes_make_a_request_within_bounds_and_come_back) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    std::set<TreeNode> nodes;
    while (nodes.size() < 1 + random() % 1000)
      nodes.insert({static_cast<std::uint8_t>(1 + random() % 3), random() % 2000});
    const std::vector<TreeNode> asked(nodes.begin(), nodes.end());
    const TreePackRequest request{.image = {}, .bases = {}, .nodes = to_runs(asked)};
    EXPECT_TRUE(in_bounds(request));
    EXPECT_EQ(count_nodes(request.nodes), asked.size());
    std::vector<TreeNode> back = to_nodes(request.nodes);
    std::ranges::sort(back);
    EXPECT_EQ(back, asked);
  }
}

}  // namespace
}  // namespace weft::fetcher::wire
