// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/flow_network.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher::plan {
namespace {

TEST(FlowNetwork, a_flow_is_rerouted_where_the_first_path_was_wrong) {
  FlowNetwork network(4);  // 0 start, 3 end; the short way through the middle blocks both
  network.add_arc(0, 1, 1);
  network.add_arc(0, 2, 1);
  const auto middle = network.add_arc(1, 2, 1);
  network.add_arc(1, 3, 1);
  network.add_arc(2, 3, 1);
  network.build();
  network.maximise(0, 3);
  EXPECT_EQ(network.flow(middle), 0);
  EXPECT_FALSE(network.cut_off(1) || network.cut_off(2));
  EXPECT_TRUE(network.cut_off(0));
}

TEST(FlowNetwork, the_cut_is_what_the_start_can_still_reach) {
  FlowNetwork network(4);
  network.add_arc(0, 1, 5);
  network.add_arc(1, 2, 2);
  network.add_arc(2, 3, 9);
  network.build();
  network.maximise(0, 3);
  EXPECT_TRUE(network.cut_off(1));
  EXPECT_FALSE(network.cut_off(2));
}

TEST(FlowNetwork, a_raised_capacity_continues_the_flow) {
  FlowNetwork network(3);
  const auto first = network.add_arc(0, 1, 10);
  const auto second = network.add_arc(1, 2, 3);
  network.build();
  network.maximise(0, 2);
  EXPECT_EQ(network.flow(first), 3);
  network.set_capacity(second, 7);
  EXPECT_EQ(network.flow(second), 3);
  network.maximise(0, 2);
  EXPECT_EQ(network.flow(first), 7);
  network.clear_flow();
  EXPECT_EQ(network.flow(first), 0);
}

TEST(FlowNetwork, the_cheapest_maximum_flow_gives_up_a_cheap_arc_that_blocks) {
  FlowNetwork network(4);
  network.add_arc(0, 1, 1, 0);
  network.add_arc(0, 2, 1, 4);
  const auto cheap = network.add_arc(1, 2, 1, 1);
  const auto dear = network.add_arc(1, 3, 1, 6);
  network.add_arc(2, 3, 1, 1);
  network.build();
  network.maximise_cheaply(0, 3);
  EXPECT_EQ(network.flow(cheap), 0);
  EXPECT_EQ(network.flow(dear), 1);
}

TEST(FlowNetwork, potentials_prove_the_cost) {
  FlowNetwork network(3);
  const std::vector<double> capacities{4, 2, 9};
  const std::vector<std::int64_t> costs{0, 1, 5};
  network.add_arc(0, 1, capacities[0], costs[0]);
  const auto cheap = network.add_arc(1, 2, capacities[1], costs[1]);
  const auto dear = network.add_arc(1, 2, capacities[2], costs[2]);
  network.build();
  network.maximise_cheaply(0, 2);
  const double cost = network.flow(cheap) * 1 + network.flow(dear) * 5;
  EXPECT_EQ(cost, 12);
  const std::vector<std::pair<FlowNetwork::Node, FlowNetwork::Node>> ends{{0, 1}, {1, 2}, {1, 2}};
  double dual = 4 * static_cast<double>(network.potential(2) - network.potential(0));
  for (std::size_t a = 0; a < ends.size(); ++a) {
    const auto reduced =
        costs[a] + network.potential(ends[a].first) - network.potential(ends[a].second);
    if (reduced < 0) dual += capacities[a] * static_cast<double>(reduced);
  }
  EXPECT_EQ(dual, cost);
}

}  // namespace
}  // namespace weft::fetcher::plan
