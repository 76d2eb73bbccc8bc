// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <algorithm>
#include <map>

namespace weft::fetcher::testing {
namespace {

using wire::Priority;
using namespace std::chrono_literals;

/// The tree of an image on its way.
class SchedulerNodes : public SchedulerTest {
 protected:
  static std::vector<TreeNode> leaves(std::uint64_t count) {
    std::vector<TreeNode> nodes;
    for (std::uint64_t i = 0; i < count; ++i)
      nodes.push_back({1, i});
    return nodes;
  }
  void want(const std::vector<TreeNode>& nodes, Priority priority = Priority::prefetch) {
    scheduler.want(image, {}, nodes, priority, now);
    step();
  }
  void nodes_come(const SendNodes& sent) {
    EXPECT_EQ(scheduler.nodes_answered(sent.id, sent.nodes, now), Scheduler::Verdict::fine);
    scheduler.nodes_landed(image, sent.nodes, now);
    step();
  }
  static std::map<PeerId, std::uint64_t> by_peer(const std::vector<SendNodes>& sent) {
    std::map<PeerId, std::uint64_t> nodes;
    for (const SendNodes& request : sent)
      nodes[request.peer] += request.nodes.size();
    return nodes;
  }
};

TEST_F(SchedulerNodes, what_nobody_waits_for_is_spread_so_that_all_links_end_together) {
  connect(a, 10, 1);
  connect(b, 100, 1);
  complete(a);
  complete(b);
  std::map<PeerId, std::uint64_t> brought;
  want(leaves(1100));
  for (std::vector<SendNodes> sent = take<SendNodes>(); !sent.empty();) {
    // The link that would bring its request first does.
    const auto next = std::ranges::min_element(sent, {}, [&](const SendNodes& request) {
      return (brought[request.peer] + request.nodes.size()) * (request.peer == a ? 10U : 1U);
    });
    const SendNodes come = *next;
    sent.erase(next);
    brought[come.peer] += come.nodes.size();
    nodes_come(come);
    std::ranges::move(take<SendNodes>(), std::back_inserter(sent));
  }
  EXPECT_EQ(brought[a] + brought[b], 1100U);
  EXPECT_NEAR(static_cast<double>(brought[a]), 100, 64);
}

TEST_F(SchedulerNodes, no_more_than_a_window_of_them_is_in_flight) {
  connect(a, 100, 1);
  complete(a);
  want(leaves(1000));
  EXPECT_LE(by_peer(take<SendNodes>())[a], 64U);
}

TEST_F(SchedulerNodes, a_thrifty_job_waits_for_the_cheapest_that_has_them) {
  scheduler.set_goal(image, plan::Goal::cheapest(0.05));
  connect(a, 10, 1);
  connect(b, 100, 1);
  scheduler.link_info(b, {.price_per_gib = 3, .site = {}});
  complete(a);
  complete(b);
  want(leaves(200));
  EXPECT_EQ(by_peer(take<SendNodes>()), (std::map<PeerId, std::uint64_t>{{a, 64}})) << "its window";
}

TEST_F(SchedulerNodes, what_the_cheapest_lacks_comes_from_another_all_the_same) {
  scheduler.set_goal(image, plan::Goal::cheapest(0.05));
  connect(a, 10, 1);
  connect(b, 100, 1);
  scheduler.link_info(b, {.price_per_gib = 3, .site = {}});
  complete(a);
  complete(b);
  want(leaves(40));
  for (const SendNodes& request : take<SendNodes>()) {
    EXPECT_EQ(request.peer, a);
    scheduler.nodes_failed(request.id, true, now);
  }
  step();
  EXPECT_EQ(by_peer(take<SendNodes>())[b], 40U);
}

TEST_F(SchedulerNodes, what_a_read_waits_for_is_asked_for_in_one_request) {
  connect(a, 10, 1);
  complete(a);
  scheduler.nodes_per_request(a, 1024);
  read(image, blocks(0, 1), leaves(500));
  EXPECT_EQ(take_one<SendNodes>().nodes.size(), 500U);
}

TEST_F(SchedulerNodes, what_is_late_is_asked_for_elsewhere) {
  connect(a, 100, 1);
  complete(a);
  want(leaves(4));
  const auto late = take_one<SendNodes>();
  connect(b, 100, 1);
  complete(b);
  advance(1s);
  EXPECT_TRUE(take<SendNodes>().empty());
  advance(1s);
  const auto again = take_one<SendNodes>();
  EXPECT_EQ(again.peer, b);
  EXPECT_EQ(again.nodes, late.nodes);
  EXPECT_EQ(scheduler.nodes_answered(late.id, late.nodes, now), Scheduler::Verdict::stale);
  nodes_come(again);
}

TEST_F(SchedulerNodes, what_is_late_is_waited_for_where_nobody_else_has_it) {
  connect(a, 100, 1);
  complete(a);
  want(leaves(4));
  const auto late = take_one<SendNodes>();
  connect(b, 100, 1);
  advance(5s);
  EXPECT_TRUE(take<SendNodes>().empty());
  nodes_come(late);
}

TEST_F(SchedulerNodes, what_a_read_waits_for_is_late_earlier) {
  connect(a, 100, 1);
  complete(a);
  want(leaves(4));
  take<SendNodes>();
  connect(b, 100, 1);
  complete(b);
  read(image, blocks(0, 1), leaves(1));
  take<SendNodes>();
  advance(100ms);
  EXPECT_EQ(by_peer(take<SendNodes>())[b], 4U);
}

TEST_F(SchedulerNodes, what_was_asked_of_a_link_that_stalls_is_asked_for_elsewhere_at_once) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 8));  // late before the nodes are
  want(leaves(64));
  take<SendNodes>();
  connect(b, 100, 1);
  scheduler.holding(b, image, {blocks(1000, 1)}, {}, now);
  step();
  while (!scheduler.link(a)->stalled(now)) {
    EXPECT_TRUE(take<SendNodes>().empty());
    advance(100ms);
  }
  EXPECT_EQ(by_peer(take<SendNodes>())[b], 64U);
}

}  // namespace
}  // namespace weft::fetcher::testing
