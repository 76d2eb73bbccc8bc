// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

namespace weft::fetcher::testing {
namespace {

using wire::Priority;
using Verdict = Scheduler::Verdict;

class SchedulerDemand : public SchedulerTest {};

TEST_F(SchedulerDemand, a_read_is_asked_for_at_once_and_completes_when_it_lands) {
  connect(a);
  complete(a);
  const FetchTicket ticket = read(blocks(5, 3));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(sent.peer, a);
  EXPECT_EQ(sent.priority, Priority::demand);
  EXPECT_EQ(picture(sent.ranges, 10), ".....###..");
  EXPECT_EQ(answer(sent, {sent.ranges, {}, 100, true}), Verdict::fine);
  EXPECT_TRUE(take<CompleteRead>().empty()) << "arrived is not landed";
  land(image, sent.ranges);
  EXPECT_EQ(take_one<CompleteRead>().ticket, ticket);
}

TEST_F(SchedulerDemand, sixty_four_readers_of_one_block_make_one_fetch) {
  connect(a);
  complete(a);
  for (int i = 0; i < 64; ++i) {
    read(blocks(9, 1));
    EXPECT_EQ(joined, i > 0);
  }
  const auto sent = take_one<SendBlocks>();
  deliver(sent);
  EXPECT_EQ(take<CompleteRead>().size(), 64U);
}

TEST_F(SchedulerDemand, a_reader_of_a_landing_block_joins_it) {
  connect(a);
  complete(a);
  read(blocks(0, 1));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {sent.ranges, {}, 100, true}), Verdict::fine);
  read(blocks(0, 1));
  EXPECT_TRUE(joined);
  EXPECT_TRUE(take<SendBlocks>().empty());
  land(image, sent.ranges);
  EXPECT_EQ(take<CompleteRead>().size(), 2U);
}

TEST_F(SchedulerDemand, a_reader_raises_the_prefetch_it_joins) {
  connect(a);
  complete(a);
  prefetch(blocks(0, 32));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(sent.priority, Priority::prefetch);
  read(blocks(31, 2));
  EXPECT_EQ(take_one<RaiseFetch>().id, sent.id);
  const auto rest = take_one<SendBlocks>();
  EXPECT_EQ(rest.ranges, std::vector{blocks(32, 1)});
}

TEST_F(SchedulerDemand, tree_nodes_are_asked_for_at_the_same_peer_ahead_of_the_blocks) {
  connect(a, 10, 100);
  connect(b, 100, 1);
  complete(a);
  complete(b);
  const std::vector<TreeNode> path{{1, 3}, {2, 0}};
  read(image, blocks(3 * 128, 1), path);
  ASSERT_GE(commands.size(), 2U);
  const auto* nodes = std::get_if<SendNodes>(&commands[0]);
  const auto* sent = std::get_if<SendBlocks>(&commands[1]);
  ASSERT_TRUE(nodes != nullptr && sent != nullptr);
  EXPECT_EQ(nodes->peer, b);
  EXPECT_EQ(sent->peer, b);
  EXPECT_EQ(nodes->nodes, (std::vector<TreeNode>{{2, 0}, {1, 3}}));
  EXPECT_EQ(nodes->priority, Priority::demand);
}

TEST_F(SchedulerDemand, each_block_comes_from_a_holder) {
  connect(a);
  connect(b);
  partial(a, "####....");
  partial(b, "....####");
  read(blocks(2, 4));
  const auto sent = take<SendBlocks>();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(picture(sent[0].ranges, 8), "..##....");
  EXPECT_EQ(picture(sent[1].ranges, 8), "....##..");
}

TEST_F(SchedulerDemand, a_lost_peer_s_blocks_come_from_another) {
  connect(a, 100, 1);
  connect(b, 100, 20);
  complete(a);
  complete(b);
  read(blocks(0, 4));
  EXPECT_EQ(take_one<SendBlocks>().peer, a);
  scheduler.peer_down(a, now);
  step();
  const auto again = take_one<SendBlocks>();
  EXPECT_EQ(again.peer, b);
  EXPECT_EQ(again.ranges, std::vector{blocks(0, 4)});
  deliver(again);
  EXPECT_EQ(take<CompleteRead>().size(), 1U);
}

TEST_F(SchedulerDemand, a_banned_peer_is_cancelled_and_never_asked_again_for_the_image) {
  connect(a, 100, 1);
  connect(b, 100, 20);
  complete(a);
  complete(b);
  read(blocks(0, 4));
  const auto sent = take_one<SendBlocks>();
  EXPECT_TRUE(scheduler.ban(a, image, now));
  step();
  EXPECT_EQ(take_one<CancelFetch>().id, sent.id);
  EXPECT_EQ(take_one<SendBlocks>().peer, b);
  EXPECT_EQ(answer(sent, {sent.ranges, {}, 100, true}), Verdict::stale);
  scheduler.peer_down(b, now);
  step();
  EXPECT_TRUE(take<SendBlocks>().empty());
  EXPECT_FALSE(scheduler.ban(a, image, now));
}

TEST_F(SchedulerDemand, rejected_blocks_are_fetched_elsewhere) {
  connect(a, 100, 1);
  connect(b, 100, 20);
  complete(a);
  complete(b);
  read(blocks(0, 4));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {sent.ranges, {}, 100, true}), Verdict::fine);
  scheduler.ban(a, image, now);
  scheduler.landed(image, std::vector{blocks(0, 1)}, now);
  scheduler.rejected(image, std::vector{blocks(1, 3)}, now);
  step();
  const auto again = take_one<SendBlocks>();
  EXPECT_EQ(again.peer, b);
  EXPECT_EQ(again.ranges, std::vector{blocks(1, 3)});
}

TEST_F(SchedulerDemand, absent_blocks_are_asked_of_others_and_later_of_the_same) {
  connect(a, 100, 1);
  complete(a);
  read(blocks(0, 2));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {{blocks(0, 1)}, {blocks(1, 1)}, 50, true}), Verdict::fine);
  EXPECT_TRUE(take<SendBlocks>().empty()) << "nobody else holds it";
  advance(5 * second);
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(1, 1)});
}

TEST_F(SchedulerDemand, an_answer_with_blocks_nobody_asked_for_is_misbehaviour) {
  connect(a);
  complete(a);
  read(blocks(0, 2));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {{blocks(0, 3)}, {}, 50, false}), Verdict::unasked);
  EXPECT_EQ(take<CancelFetch>().size(), 1U);
}

TEST_F(SchedulerDemand, an_answer_with_a_block_twice_is_misbehaviour) {
  connect(a);
  complete(a);
  read(blocks(0, 2));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {{blocks(0, 1), blocks(0, 1)}, {}, 50, true}), Verdict::unasked);
}

TEST_F(SchedulerDemand, an_answer_that_ends_early_is_truncated_and_what_came_is_used) {
  connect(a);
  complete(a);
  read(blocks(0, 4));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {{blocks(0, 2)}, {}, 50, true}), Verdict::truncated);
  EXPECT_TRUE(scheduler.image(image)->is_landing(BlockIndex(1)));
  EXPECT_FALSE(scheduler.image(image)->is_landing(BlockIndex(2)));
}

TEST_F(SchedulerDemand, a_read_nobody_can_serve_waits_for_a_holder) {
  connect(a);
  read(blocks(0, 1));
  EXPECT_TRUE(commands.empty());
  advance(10 * second);
  partial(a, ".#");
  EXPECT_TRUE(commands.empty()) << "not the block it waits for";
  partial(a, "#.");
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(0, 1)});
}

TEST_F(SchedulerDemand, a_read_that_does_not_hold_fails_once_all_have_said_what_they_hold) {
  connect(a);
  scheduler.holding(a, image, Scheduler::Holding::asked, now);
  const FetchTicket ticket = read(blocks(7, 2), 60 * second, false);
  EXPECT_TRUE(take<FailRead>().empty()) << "a may still have it";
  scheduler.holding(a, image, Scheduler::Holding::empty, now);
  step();
  const auto failed = take_one<FailRead>();
  EXPECT_EQ(failed.ticket, ticket);
  EXPECT_EQ(failed.why, Errc::no_source);
  EXPECT_EQ(failed.first_missing, BlockIndex(7));
}

TEST_F(SchedulerDemand, a_deadline_names_the_first_missing_block_and_the_peers_tried) {
  connect(a);
  complete(a);
  const FetchTicket ticket = read(blocks(3, 2), second);
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {{blocks(3, 1)}, {}, 50, false}), Verdict::fine);
  land(image, {blocks(3, 1)});
  advance(second - Duration(1));
  EXPECT_TRUE(take<FailRead>().empty());
  advance(Duration(1));
  const auto failed = take_one<FailRead>();
  EXPECT_EQ(failed.ticket, ticket);
  EXPECT_EQ(failed.why, Errc::deadline_passed);
  EXPECT_EQ(failed.first_missing, BlockIndex(4));
  EXPECT_EQ(failed.tried, std::vector{a});
}

TEST_F(SchedulerDemand, wakes_up_by_the_next_deadline) {
  read(blocks(0, 1), 3 * second);
  const auto at = scheduler.next_wakeup(now);
  ASSERT_TRUE(at.has_value());
  EXPECT_LE(*at, now + 3 * second);
}

TEST_F(SchedulerDemand, a_cancelled_read_wants_nothing_that_others_do_not_want) {
  const FetchTicket first = read(blocks(0, 4));
  read(blocks(2, 4));
  scheduler.cancel(image, first);
  step();
  connect(a);
  complete(a);
  EXPECT_EQ(picture(take_one<SendBlocks>().ranges, 8), "..####..");
}

TEST_F(SchedulerDemand, a_stalled_peer_s_blocks_are_asked_of_another_holder) {
  connect(a, 100, 1);
  connect(b, 100, 20);
  complete(a);
  prefetch(blocks(0, 1));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(sent.peer, a);
  complete(b);
  advance(second);
  EXPECT_TRUE(take<SendBlocks>().empty()) << "not given up too early";
  advance(2 * second);
  EXPECT_EQ(take_one<CancelFetch>().id, sent.id);
  EXPECT_EQ(take_one<SendBlocks>().peer, b);
  read(blocks(50, 1));
  EXPECT_EQ(take_one<SendBlocks>().peer, b) << "a stalled peer is the last choice";
}

TEST_F(SchedulerDemand, a_stalled_peer_that_is_the_only_holder_is_waited_for) {
  connect(a);
  complete(a);
  read(blocks(0, 1));
  const auto sent = take_one<SendBlocks>();
  advance(20 * second);
  EXPECT_TRUE(take<CancelFetch>().empty());
  deliver(sent);
  EXPECT_EQ(take<CompleteRead>().size(), 1U);
}

TEST_F(SchedulerDemand, one_image_without_holders_does_not_delay_another) {
  const ImageId stuck = image_id(2);
  scheduler.add_image(stuck, BlockCount(1000));
  connect(a);
  complete(a);
  for (int i = 0; i < 100; ++i)
    read(stuck, blocks(static_cast<std::uint64_t>(i), 1));
  EXPECT_TRUE(take<SendBlocks>().empty());
  read(blocks(0, 1));
  EXPECT_EQ(take_one<SendBlocks>().image, image);
}

TEST_F(SchedulerDemand, a_silent_peer_does_not_use_up_what_may_be_in_flight) {
  const ImageId other = image_id(2);
  scheduler.add_image(other, BlockCount(100'000));
  connect(a);
  connect(b);
  complete(a);
  complete(b, other);
  for (std::uint64_t i = 0; i < 40; ++i)
    read(blocks(i * 1000, 256));
  const auto sent = take<SendBlocks>();
  read(other, blocks(0, 1));
  EXPECT_TRUE(take<SendBlocks>().empty()) << "the bound is reached";
  advance(60 * second - Duration(1));
  EXPECT_EQ(take_one<SendBlocks>().image, other);
}

TEST_F(SchedulerDemand, dropped_blocks_are_wanted_again_only_by_who_waits) {
  connect(a);
  complete(a);
  const FetchTicket gone = read(blocks(0, 2));
  const auto sent = take_one<SendBlocks>();
  EXPECT_EQ(answer(sent, {sent.ranges, {}, 100, true}), Verdict::fine);
  read(blocks(1, 1));
  scheduler.cancel(image, gone);
  scheduler.dropped(image, sent.ranges, now);
  step();
  EXPECT_EQ(take_one<SendBlocks>().ranges, std::vector{blocks(1, 1)});
}

TEST_F(SchedulerDemand, what_is_in_flight_is_bounded_and_oldest_reads_go_first) {
  connect(a);
  complete(a);
  for (std::uint64_t i = 0; i < 40; ++i)
    read(blocks(i * 1000, 256));
  auto sent = take<SendBlocks>();
  EXPECT_EQ(blocks_in(sent), SchedulerLimits{}.in_flight.value());
  EXPECT_EQ(sent.front().ranges.front().first, BlockIndex(0));
  deliver(sent.front());
  const auto next = take_one<SendBlocks>();
  EXPECT_EQ(next.ranges.front().first, BlockIndex(32'000));
}

TEST_F(SchedulerDemand, sequential_reads_look_ahead_and_random_ones_do_not) {
  connect(a);
  complete(a);
  read(blocks(500'000, 8));
  read(blocks(100, 8));
  EXPECT_TRUE(take<LookAhead>().empty());
  read(blocks(108, 8));
  EXPECT_EQ(take_one<LookAhead>().range, blocks(116, 32));
  read(blocks(999'990, 5));
  read(blocks(999'995, 4));
  EXPECT_EQ(take_one<LookAhead>().range, blocks(999'999, 1)) << "clipped to the image";
}

}  // namespace
}  // namespace weft::fetcher::testing
