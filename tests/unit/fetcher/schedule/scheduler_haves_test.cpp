// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

/// Peer `a` holds the image; `b` has other images only.
class SchedulerHaves : public SchedulerTest {
 protected:
  void has_others(PeerId peer) {
    scheduler.holding(peer, image, Scheduler::Holding::empty, now);
    scheduler.answers_haves(peer, now);
    step();
  }
  void have_answer(const AskHave& query, const std::vector<BlockRange>& held) {
    scheduler.have_answered(query.id, held, now);
    step();
  }
  static std::uint64_t asked_about(const AskHave& query) {
    return RangeSet(query.blocks).count().value();
  }
};

TEST_F(SchedulerHaves, a_read_nobody_holds_is_asked_about_at_once_and_comes_by_digest) {
  connect(b);
  has_others(b);
  read(blocks(10, 4));
  EXPECT_TRUE(take<SendBlocks>().empty());
  const auto query = take_one<AskHave>();
  EXPECT_EQ(query.peer, b);
  EXPECT_EQ(query.priority, wire::Priority::demand);
  EXPECT_EQ(query.blocks, std::vector{blocks(10, 4)});
  have_answer(query, {blocks(10, 4)});
  const auto sent = take_one<SendBlocks>();
  EXPECT_TRUE(sent.by_digest);
  EXPECT_EQ(sent.peer, b);
  deliver(sent);
  EXPECT_EQ(take<CompleteRead>().size(), 1U);
}

TEST_F(SchedulerHaves, what_the_peer_does_not_have_is_not_asked_about_again_at_once) {
  connect(b);
  has_others(b);
  read(blocks(10, 4));
  have_answer(take_one<AskHave>(), {});
  read(blocks(10, 4));
  advance(std::chrono::seconds(1));
  EXPECT_TRUE(take<AskHave>().empty());
  for (int i = 0; i < 10; ++i)
    advance(std::chrono::seconds(1));
  EXPECT_EQ(take<AskHave>().size(), 1U) << "it may have got an image meanwhile";
}

TEST_F(SchedulerHaves, nobody_is_asked_while_a_holder_is_as_fast) {
  connect(a, 100);
  connect(b, 100);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 1000));
  read(blocks(5000, 4));
  EXPECT_TRUE(take<AskHave>().empty());
}

TEST_F(SchedulerHaves, a_link_that_the_plan_leaves_idle_is_asked_what_it_could_bring) {
  connect(a, 100);
  connect(b, 50);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 4000));
  EXPECT_TRUE(take<AskHave>().empty());
  const auto plan = take_one<MakePlan>();
  scheduler.plan_made(image, plan.request->number, solve(*plan.request), now);
  step();
  const auto sample = take_one<AskHave>();
  EXPECT_EQ(sample.peer, b);
  have_answer(sample, sample.blocks);
  const auto rest = take_one<AskHave>();
  EXPECT_GT(asked_about(rest), 3000U);
  have_answer(rest, rest.blocks);
  EXPECT_FALSE(take<SendBlocks>().empty());
}

TEST_F(SchedulerHaves, a_link_that_is_busy_to_the_end_is_not_asked) {
  connect(a, 100);
  connect(b, 50);
  complete(a);
  scheduler.holding(b, image, {blocks(0, 2000)}, {}, now);
  scheduler.answers_haves(b, now);
  step();
  prefetch(blocks(0, 4000));
  const auto plan = take_one<MakePlan>();
  scheduler.plan_made(image, plan.request->number, solve(*plan.request), now);
  step();
  EXPECT_TRUE(take<AskHave>().empty());
}

TEST_F(SchedulerHaves, prefetch_is_asked_about_at_a_faster_peer_by_a_sample_first) {
  connect(a, 20);
  connect(b, 1000);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 4000));
  const auto sample = take_one<AskHave>();
  EXPECT_EQ(sample.priority, wire::Priority::prefetch);
  EXPECT_LE(asked_about(sample), 4000 / 16 + 1U);
  have_answer(sample, {sample.blocks.front()});
  const auto rest = take_one<AskHave>();
  EXPECT_GT(asked_about(rest), 3000U);
  take<SendBlocks>();
  have_answer(rest, {blocks(2000, 1000)});
  const auto sent = take<SendBlocks>();
  ASSERT_FALSE(sent.empty());
  EXPECT_TRUE(std::ranges::all_of(sent, [](const auto& s) { return s.peer == b && s.by_digest; }));
}

TEST_F(SchedulerHaves, a_sample_without_a_hit_ends_the_questions_about_its_blocks) {
  connect(a, 20);
  connect(b, 1000);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 4000));
  have_answer(take_one<AskHave>(), {});
  EXPECT_TRUE(take<AskHave>().empty());
  prefetch(blocks(4000, 1600));
  EXPECT_EQ(asked_about(take_one<AskHave>()), 100U) << "the next window is sampled again";
}

TEST_F(SchedulerHaves, a_demand_read_that_is_held_waits_for_no_query) {
  connect(a, 20);
  connect(b, 1000);
  complete(a);
  has_others(b);
  read(blocks(100, 8));
  EXPECT_TRUE(take<AskHave>().empty());
  EXPECT_EQ(take_one<SendBlocks>().peer, a);
}

TEST_F(SchedulerHaves, a_known_answer_serves_demand_too) {
  connect(a, 20);
  connect(b, 1000);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 4000));
  have_answer(take_one<AskHave>(), {blocks(0, 1)});
  have_answer(take_one<AskHave>(), {blocks(1000, 3000)});
  ASSERT_TRUE(scheduler.image(image)->wanted(wire::Priority::prefetch).contains(BlockIndex(3999)));
  take<SendBlocks>();
  read(blocks(3999, 1));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(sent.peer, b);
  EXPECT_TRUE(sent.by_digest);
}

TEST_F(SchedulerHaves, a_broken_promise_moves_the_block_to_another_holder) {
  connect(a, 20);
  connect(b, 1000);
  complete(a);
  has_others(b);
  prefetch(blocks(0, 4000));
  have_answer(take_one<AskHave>(), {blocks(0, 1)});
  take<SendBlocks>();
  have_answer(take_one<AskHave>(), {blocks(3000, 4)});
  const auto sent = take_one<SendBlocks>();
  ASSERT_EQ(sent.peer, b);
  EXPECT_EQ(answer(sent, {{blocks(3000, 2)}, {blocks(3002, 2)}, 100, true}),
            Scheduler::Verdict::fine);
  EXPECT_EQ(scheduler.false_haves(b), 2U);
  EXPECT_FALSE(scheduler.image(image)->holders.holds(b, BlockIndex(3002)));
  EXPECT_TRUE(scheduler.image(image)->wanted(wire::Priority::prefetch).covers(blocks(3002, 2)));
  read(blocks(3002, 2));
  EXPECT_EQ(take_one<SendBlocks>().peer, a);
}

TEST_F(SchedulerHaves, who_breaks_many_promises_is_not_believed_any_more) {
  connect(b);
  has_others(b);
  read(blocks(0, 64));
  have_answer(take_one<AskHave>(), {blocks(0, 64)});
  for (const SendBlocks& sent : take<SendBlocks>())
    answer(sent, {{}, sent.ranges, 10, true});
  EXPECT_EQ(scheduler.false_haves(b), 64U);
  read(blocks(100, 1));
  for (int i = 0; i < 100; ++i)
    advance(std::chrono::seconds(1));
  EXPECT_TRUE(take<AskHave>().empty());
  scheduler.peer_down(b, now);
  connect(b);
  has_others(b);
  EXPECT_TRUE(take<AskHave>().empty()) << "nor after it came back";
}

TEST_F(SchedulerHaves, a_read_that_does_not_hold_fails_only_after_the_answers) {
  connect(b);
  has_others(b);
  read(blocks(0, 1), 60 * second, false);
  EXPECT_TRUE(take<FailRead>().empty());
  have_answer(take_one<AskHave>(), {});
  EXPECT_EQ(take_one<FailRead>().why, Errc::no_source);
}

TEST_F(SchedulerHaves, when_the_holder_dies_its_blocks_are_asked_about_elsewhere) {
  connect(a, 100);
  connect(b, 10);
  complete(a);
  has_others(b);
  read(blocks(7, 3));
  EXPECT_EQ(take_one<SendBlocks>().peer, a);
  scheduler.peer_down(a, now);
  step();
  const auto query = take_one<AskHave>();
  EXPECT_EQ(query.peer, b);
  EXPECT_EQ(query.blocks, std::vector{blocks(7, 3)});
}

TEST_F(SchedulerHaves, a_peer_is_not_asked_for_tree_nodes_of_an_image_it_does_not_have) {
  connect(b);
  has_others(b);
  read(blocks(0, 1));
  have_answer(take_one<AskHave>(), {blocks(0, 1)});
  const auto sent = take_one<SendBlocks>();
  read(image, blocks(200, 1), {TreeShape::leaf_of(BlockIndex(200))});
  EXPECT_TRUE(take<SendNodes>().empty());
  EXPECT_TRUE(take<AskHave>().empty()) << "its digest is not known";
  deliver(sent);
}

TEST_F(SchedulerHaves, blocks_are_asked_about_when_their_leaf_has_come) {
  connect(a);
  connect(b);
  partial(a, "....");  // it has the tree
  has_others(b);
  const TreeNode leaf = TreeShape::leaf_of(BlockIndex(200));
  read(image, blocks(200, 1), {leaf});
  const auto nodes = take_one<SendNodes>();
  EXPECT_TRUE(take<AskHave>().empty());
  EXPECT_EQ(scheduler.nodes_answered(nodes.id, std::vector{leaf}, now), Scheduler::Verdict::fine);
  scheduler.nodes_landed(image, std::vector{leaf}, now);
  step();
  EXPECT_EQ(take_one<AskHave>().blocks, std::vector{blocks(200, 1)});
}

TEST_F(SchedulerHaves, a_partial_holder_is_asked_by_range_for_what_it_has_and_by_digest_for_more) {
  connect(a);
  scheduler.answers_haves(a, now);
  partial(a, "####....");
  read(blocks(0, 8));
  const auto query = take_one<AskHave>();
  EXPECT_EQ(query.blocks, std::vector{blocks(4, 4)});
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(0, 4)});
  have_answer(query, {blocks(4, 4)});
  const auto sent = take_one<SendBlocks>();
  EXPECT_TRUE(sent.by_digest);
  EXPECT_EQ(sent.ranges, std::vector{blocks(4, 4)});
}

TEST_F(SchedulerHaves, what_landed_while_the_answer_was_on_its_way_is_not_kept) {
  connect(b);
  has_others(b);
  read(blocks(0, 8));
  const auto query = take_one<AskHave>();
  land(image, {blocks(0, 4)});
  have_answer(query, {blocks(0, 8)});
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(4, 4)});
  EXPECT_FALSE(scheduler.image(image)->holders.holds(b, BlockIndex(0)));
}

}  // namespace
}  // namespace weft::fetcher::testing
