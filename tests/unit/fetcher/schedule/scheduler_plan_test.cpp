// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <map>

namespace weft::fetcher::testing {
namespace {

using wire::Priority;

/// The queues of a plan, as the scheduler follows them.
class SchedulerPlan : public SchedulerTest {
 protected:
  void install(const PlanQueues::Queues& queues) {
    scheduler.install_plan(image, queues, now);
    step();
  }
  FetchReason reason_of(const SendBlocks& sent) const { return scheduler.fetch(sent.id)->reason; }
  /// Everything wanted, before any peer is there to be asked for it.
  void want_then_connect(std::uint64_t count, double mbit_a, double mbit_b) {
    prefetch(blocks(0, count));
    connect(a, mbit_a);
    connect(b, mbit_b);
  }
};

TEST_F(SchedulerPlan, each_source_brings_its_queue) {
  want_then_connect(64, 100, 100);
  install({{a, {{blocks(32, 32), 1}}}, {b, {{blocks(0, 32), 1}}}});
  complete(a);
  complete(b);
  std::map<PeerId, std::vector<BlockRange>> asked;
  for (const SendBlocks& s : take<SendBlocks>()) {
    asked[s.peer] = s.ranges;
    EXPECT_EQ(reason_of(s), FetchReason::planned);
  }
  EXPECT_EQ(asked[a], std::vector{blocks(32, 32)});
  EXPECT_EQ(asked[b], std::vector{blocks(0, 32)});
}

TEST_F(SchedulerPlan, a_demanded_block_leaves_its_queue) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 1000));
  take<SendBlocks>();
  install({{a, {{blocks(500, 500), 1}}}});
  read(blocks(600, 2));
  EXPECT_EQ(scheduler.image(image)->queues().owner(BlockIndex(600)), std::nullopt);
  EXPECT_EQ(scheduler.image(image)->queues().left(a), BlockCount(498));
}

TEST_F(SchedulerPlan, what_failed_is_unplanned_and_fetched_again) {
  want_then_connect(32, 100, 100);
  install({{a, {{blocks(0, 32), 1}}}});
  complete(a);
  const SendBlocks sent = take_one<SendBlocks>();
  scheduler.failed(sent.id, true, now);
  step();
  EXPECT_EQ(scheduler.image(image)->queues().unplanned().count(), BlockCount(32));
  complete(b);
  EXPECT_EQ(take_one<SendBlocks>().peer, b);
}

TEST_F(SchedulerPlan, the_queue_of_a_lost_source_is_for_everybody) {
  want_then_connect(5000, 1, 100);
  complete(a);
  complete(b);
  take<SendBlocks>();
  install({{a, {{blocks(2000, 3000), 1}}}});
  scheduler.peer_down(a, now);
  step();
  EXPECT_EQ(scheduler.image(image)->queues().planned(), BlockCount(0));
  scheduler.check_invariants();
}

TEST_F(SchedulerPlan, a_plan_that_comes_late_names_only_what_is_still_wanted) {
  connect(a, 1, 1);
  complete(a);
  prefetch(blocks(0, 100));
  const std::uint64_t asked = blocks_in(take<SendBlocks>());
  install({{a, {{blocks(0, 100), 1}}}, {b, {{blocks(0, 1000), 1}}}});
  EXPECT_EQ(scheduler.image(image)->queues().left(a), BlockCount(100 - asked));
  EXPECT_EQ(scheduler.image(image)->queues().left(b), BlockCount(0)) << "not connected";
}

TEST_F(SchedulerPlan, an_idle_link_steals) {
  want_then_connect(32 * 200, 10, 100);
  install({{a, {{blocks(0, 32 * 200), 1}}}});
  complete(a);
  take<SendBlocks>();
  complete(b);
  const auto sent = take<SendBlocks>();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.front().peer, b);
  EXPECT_EQ(sent.front().ranges.back().end(), BlockIndex(32 * 200)) << "from the end";
  EXPECT_EQ(reason_of(sent.front()), FetchReason::stolen);
}

TEST_F(SchedulerPlan, asks_for_a_plan_when_holders_are_known_and_installs_it) {
  prefetch(blocks(0, 10'000));
  EXPECT_TRUE(take<MakePlan>().empty());
  connect(a, 10);
  complete(a);
  const MakePlan asked = take_one<MakePlan>();
  EXPECT_EQ(asked.request->wanted, scheduler.image(image)->wanted(Priority::prefetch));
  ASSERT_EQ(asked.request->links.size(), 1U);
  PlanAnswer answer{asked.request->number, {{a, {{blocks(0, 10'000), 3}}}}, {}};
  scheduler.plan_made(image, answer.number, answer, now);
  step();
  EXPECT_EQ(scheduler.image(image)->queues().planned(), scheduler.prefetch_backlog(image));
  ASSERT_NE(scheduler.plan(image), nullptr);
  EXPECT_EQ(scheduler.plan(image)->plans, 1U);
  advance(second);
  EXPECT_TRUE(take<MakePlan>().empty()) << "it holds";
}

TEST_F(SchedulerPlan, an_answer_that_is_not_awaited_is_ignored) {
  connect(a, 10);
  complete(a);
  prefetch(blocks(0, 10'000));
  const MakePlan asked = take_one<MakePlan>();
  PlanAnswer answer{asked.request->number + 1, {{a, {{blocks(0, 10'000), 3}}}}, {}};
  scheduler.plan_made(image, answer.number, answer, now);
  EXPECT_EQ(scheduler.image(image)->queues().planned(), BlockCount(0));
  EXPECT_EQ(scheduler.plan(image), nullptr);
}

TEST_F(SchedulerPlan, is_made_again_when_a_holder_goes_and_when_one_comes) {
  connect(a, 10);
  complete(a);
  prefetch(blocks(0, 10'000));
  const auto answer = [&](const MakePlan& asked) {
    scheduler.plan_made(image, asked.request->number,
                        PlanAnswer{asked.request->number, {{a, {{blocks(0, 10'000), 3}}}}, {}},
                        now);
    step();
  };
  answer(take_one<MakePlan>());
  connect(b, 10);
  complete(b);
  advance(second / 2);
  EXPECT_EQ(take<MakePlan>().size(), 1U);
}

TEST_F(SchedulerPlan, what_a_link_that_became_slow_would_bring_far_too_late_is_called_back) {
  connect(a, 100, 100);
  connect(b, 100, 100);
  complete(a);
  prefetch(blocks(0, 10'000));
  take<SendBlocks>();
  complete(b);
  scheduler.link_measured(a, 10'000, std::chrono::milliseconds(100));
  const MakePlan asked = take<MakePlan>().at(0);
  PlanAnswer answer{asked.request->number, {{b, {{blocks(0, 10'000), 3}}}}, {}};
  answer.forecast.tiers.push_back({last_tier, ByteCount(1), second, second, ""});
  scheduler.plan_made(image, answer.number, answer, now);
  step();
  EXPECT_FALSE(take<CancelFetch>().empty());
  EXPECT_EQ(scheduler.link(a)->outstanding(), BlockCount(64)) << "what it can carry now";
}

TEST_F(SchedulerPlan, with_a_budget_leaves_its_share_to_what_it_does_not_see_yet) {
  connect(a, 10);
  connect(b, 10);
  complete(a);
  partial(b, "####");
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.link_info(b, {.price_per_gib = 10, .site = ""});
  scheduler.set_goal(image, plan::Goal::within(4));
  scheduler.more_to_come(image, BlockCount(262'144));  // 1 GiB, that `a` brings for 1
  prefetch(blocks(0, 10'000));
  const auto plans = take<MakePlan>();
  ASSERT_FALSE(plans.empty());
  const double share = 4.0 * 10'000 / (10'000 + 262'144);
  EXPECT_NEAR(plans.back().request->goal.budget, share, 0.1 * share);
}

TEST_F(SchedulerPlan, with_a_budget_leaves_what_the_rest_needs_at_the_least) {
  connect(a, 10);
  complete(a);
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.set_goal(image, plan::Goal::within(1.01));
  scheduler.more_to_come(image, BlockCount(262'144));  // 1 GiB, that `a` brings for about 1
  prefetch(blocks(0, 10'000));
  const auto plans = take<MakePlan>();
  ASSERT_FALSE(plans.empty());
  EXPECT_LT(plans.back().request->goal.budget, 0.01);
}

TEST_F(SchedulerPlan, with_a_budget_counts_on_what_is_left_of_it) {
  connect(a, 10);
  complete(a);
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.set_goal(image, plan::Goal::within(0.03));
  prefetch(blocks(0, 10'000));
  const plan::Goal goal = take_one<MakePlan>().request->goal;
  EXPECT_EQ(goal.kind, plan::Goal::Kind::within_budget);
  EXPECT_LE(goal.budget, 0.03);
  EXPECT_GT(goal.budget, 0.02);
}

TEST_F(SchedulerPlan, that_must_be_cheap_waits_for_peers_to_say_what_they_hold) {
  connect(a, 10);
  connect(b, 10);
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.set_goal(image, plan::Goal::cheapest(0.05));
  scheduler.holding(b, image, Scheduler::Holding::asked, now);
  complete(a);
  prefetch(blocks(0, 10'000));
  EXPECT_TRUE(take<MakePlan>().empty());
  EXPECT_TRUE(take<SendBlocks>().empty()) << "b may have it for nothing";
  scheduler.holding(b, image, Scheduler::Holding::empty, now);
  step();
  EXPECT_EQ(take<MakePlan>().size(), 1U);
  EXPECT_FALSE(take<SendBlocks>().empty());
}

}  // namespace
}  // namespace weft::fetcher::testing
