// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/plan_problem.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

namespace weft::fetcher::testing {
namespace {

class PlanProblemTest : public ::testing::Test {
 protected:
  static constexpr PeerId a{1};
  static constexpr PeerId b{2};

  LinkPace& link(PeerId peer, double blocks_a_second) {
    LinkPace pace;
    pace.peer = peer;
    pace.bytes_per_second = blocks_a_second * block_size;
    pace.wire_bytes_per_block = block_size;
    return request.links.emplace_back(pace);
  }
  [[nodiscard]] PlanAnswer solved() const {
    const Result<PlanAnswer> answer = solve(request);
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(PlanAnswer{});
  }
  static RangeSet of(const PlanAnswer& answer, PeerId peer) {
    RangeSet all;
    if (!answer.queues.contains(peer)) return all;
    for (const auto& entry : answer.queues.at(peer)) {
      EXPECT_FALSE(all.overlaps(entry.blocks));
      all.add(entry.blocks);
    }
    return all;
  }

  void SetUp() override { request.number = 7; }

  PlanRequest request;
};

TEST_F(PlanProblemTest, sources_share_what_both_hold_by_their_rates) {
  link(a, 3000);
  link(b, 1000);
  request.holders.complete(a);
  request.holders.complete(b);
  request.wanted.add(blocks(0, 4000));
  const PlanAnswer answer = solved();
  EXPECT_EQ(answer.number, 7U);
  EXPECT_NEAR(static_cast<double>(of(answer, a).count().value()), 3000, 33);
  EXPECT_EQ(of(answer, a).count() + of(answer, b).count(), BlockCount(4000));
  EXPECT_EQ(intersect(of(answer, a), of(answer, b)).count(), BlockCount(0));
  EXPECT_NEAR(to_seconds(answer.forecast.finish()), 1.0, 1e-6);
  EXPECT_NEAR(to_seconds(answer.forecast.bound()), 1.0, 1e-6);
}

TEST_F(PlanProblemTest, every_block_is_in_a_queue_of_a_holder) {
  link(a, 100);
  link(b, 100);
  request.holders.partial(a, {blocks(0, 500)}, {});
  request.holders.partial(b, {blocks(400, 400)}, {});
  request.wanted.add(blocks(100, 900));
  const PlanAnswer answer = solved();
  EXPECT_TRUE(of(answer, a).covers(blocks(100, 300)));
  EXPECT_TRUE(of(answer, b).covers(blocks(500, 300)));
  EXPECT_FALSE(of(answer, a).overlaps(blocks(500, 500)));
  EXPECT_EQ(answer.forecast.unheld, BlockCount(200));
}

TEST_F(PlanProblemTest, a_holder_without_a_lively_link_is_not_planned_for) {
  link(a, 100);
  request.holders.complete(a);
  request.holders.complete(b);
  request.wanted.add(blocks(0, 100));
  const PlanAnswer answer = solved();
  EXPECT_EQ(of(answer, a).count(), BlockCount(100));
  EXPECT_FALSE(answer.queues.contains(b));
}

TEST_F(PlanProblemTest, tiers_come_first_in_every_queue) {
  link(a, 100);
  request.holders.complete(a);
  request.wanted.add(blocks(0, 1000));
  request.urgency = Urgency(std::vector<Urgency::Slice>{
      {1, {blocks(900, 30), blocks(5000, 50)}},
      {2, {blocks(500, 20)}},
      {soon_tier, {blocks(0, 10)}},
  });
  const PlanAnswer answer = solved();
  const auto& queue = answer.queues.at(a);
  EXPECT_EQ(queue.front().blocks, blocks(900, 30));
  EXPECT_EQ(queue.front().tier, 1);
  EXPECT_EQ(queue.at(1).blocks, blocks(500, 20));
  EXPECT_EQ(queue.at(2).blocks, blocks(0, 10));
  EXPECT_EQ(queue.back().tier, last_tier);
  ASSERT_EQ(answer.forecast.tiers.size(), 3U) << "people see stages";
  EXPECT_NEAR(to_seconds(answer.forecast.tiers[0].finish), 0.5, 1e-6);
}

TEST_F(PlanProblemTest, a_capped_uplink_and_the_ingress_are_respected) {
  link(a, 100).capped_site = 0;
  link(b, 100).capped_site = 0;
  request.sites = {{"elsewhere", 100 * block_size}};
  request.holders.complete(a);
  request.holders.complete(b);
  request.wanted.add(blocks(0, 1000));
  EXPECT_NEAR(to_seconds(solved().forecast.finish()), 10, 0.01);
  request.ingress = 50 * block_size;
  EXPECT_NEAR(to_seconds(solved().forecast.finish()), 20, 0.01);
}

TEST_F(PlanProblemTest, what_is_in_flight_at_a_link_delays_it) {
  link(a, 100).outstanding = BlockCount(100);
  request.holders.complete(a);
  request.wanted.add(blocks(0, 100));
  EXPECT_NEAR(to_seconds(solved().forecast.finish()), 2, 0.01);
}

TEST_F(PlanProblemTest, the_cheapest_goal_costs_less) {
  link(a, 100).price_per_gib = 1;
  link(b, 100);
  request.holders.complete(a);
  request.holders.complete(b);
  request.wanted.add(blocks(0, 1000));
  const double fastest = solved().forecast.cost;
  request.goal = plan::Goal::cheapest(0.5);
  EXPECT_LT(solved().forecast.cost, fastest / 1.9);
}

TEST_F(PlanProblemTest, a_budget_that_does_not_pay_for_all_goes_as_far_as_it_can) {
  link(a, 100).price_per_gib = 10;
  link(b, 10).price_per_gib = 1;
  request.holders.complete(a);
  request.holders.complete(b);
  request.wanted.add(blocks(0, 1000));
  request.goal = plan::Goal::within(1e-9);
  const PlanForecast forecast = solved().forecast;
  EXPECT_NEAR(forecast.cost, forecast.least_cost, 1e-9);
  EXPECT_GT(forecast.cost, 1e-9);
}

}  // namespace
}  // namespace weft::fetcher::testing
