// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <optional>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;
using wire::Priority;

/// Second flights, what they cost, money and caps.
class SchedulerDuplicates : public SchedulerTest {
 protected:
  void SetUp() override {
    SchedulerTest::SetUp();
    connect(a, 100, 10);
    connect(b, 100, 50);
    complete(a);
    complete(b);
  }
  /// A read of one block that its first holder does not answer; the hedge.
  SendBlocks hedged() {
    read(blocks(100, 1));
    first = take_one<SendBlocks>();
    EXPECT_EQ(first.peer, a);
    advance(100ms);
    return take_one<SendBlocks>();
  }
  Scheduler::Verdict arrives(const SendBlocks& sent) {
    return answer(sent, {sent.ranges, {}, blocks_in({sent}) * block_size, true});
  }
  FetchReason reason_of(const SendBlocks& sent) const { return scheduler.fetch(sent.id)->reason; }

  SendBlocks first;
};

TEST_F(SchedulerDuplicates, a_read_that_takes_too_long_is_asked_for_at_another_holder) {
  const SendBlocks again = hedged();
  EXPECT_EQ(again.peer, b);
  EXPECT_EQ(again.ranges, std::vector{blocks(100, 1)});
  EXPECT_EQ(again.priority, Priority::demand);
  EXPECT_EQ(reason_of(again), FetchReason::duplicate);
  advance(200ms);
  EXPECT_TRUE(take<SendBlocks>().empty()) << "never a third time";
}

TEST_F(SchedulerDuplicates, its_time_is_a_wake_up) {
  read(blocks(100, 1));
  EXPECT_LT(*scheduler.next_wakeup(now) - now, 100ms);
}

TEST_F(SchedulerDuplicates, a_read_in_time_is_not_hedged) {
  read(blocks(100, 1));
  take<SendBlocks>();
  advance(10ms);
  EXPECT_TRUE(take<SendBlocks>().empty());
}

TEST_F(SchedulerDuplicates, the_first_answer_counts_and_the_other_fetch_is_cancelled) {
  const SendBlocks again = hedged();
  EXPECT_EQ(arrives(again), Scheduler::Verdict::fine);
  EXPECT_EQ(take_one<CancelFetch>().id, first.id);
  land(image, again.ranges);
  EXPECT_EQ(take<CompleteRead>().size(), 1U);
  EXPECT_EQ(scheduler.counts().at(b).of(FetchReason::duplicate), BlockCount(1));
  EXPECT_EQ(arrives(first), Scheduler::Verdict::stale);
  EXPECT_EQ(scheduler.link(a)->outstanding(), BlockCount(0));
}

TEST_F(SchedulerDuplicates, the_hedge_may_lose) {
  const SendBlocks again = hedged();
  EXPECT_EQ(arrives(first), Scheduler::Verdict::fine);
  EXPECT_EQ(take_one<CancelFetch>().id, again.id);
  EXPECT_EQ(scheduler.counts().at(a).of(FetchReason::demand), BlockCount(1));
}

TEST_F(SchedulerDuplicates, what_comes_late_is_wasted_and_no_reason_to_ban) {
  read(blocks(100, 8));
  first = take_one<SendBlocks>();
  answer(first, {{blocks(100, 4)}, {}, 4 * block_size, false});
  advance(200ms);
  const SendBlocks again = take_one<SendBlocks>();
  EXPECT_EQ(again.ranges, std::vector{blocks(104, 4)});
  answer(again, {{blocks(104, 2)}, {}, 2 * block_size, false});
  EXPECT_TRUE(take<CancelFetch>().empty()) << "two blocks are still awaited from both";
  EXPECT_EQ(answer(first, {{blocks(104, 4)}, {}, 4 * block_size, true}), Scheduler::Verdict::fine);
  EXPECT_EQ(scheduler.counts().at(a).wasted, BlockCount(2));
  EXPECT_EQ(scheduler.counts().at(a).of(FetchReason::demand), BlockCount(6));
  EXPECT_EQ(take_one<CancelFetch>().id, again.id);
}

TEST_F(SchedulerDuplicates, a_second_flight_takes_the_place_of_the_first) {
  const SendBlocks again = hedged();
  scheduler.peer_down(a, now);
  step();
  EXPECT_TRUE(take<SendBlocks>().empty()) << "it is on its way";
  EXPECT_EQ(arrives(again), Scheduler::Verdict::fine);
}

TEST_F(SchedulerDuplicates, a_first_flight_survives_the_second) {
  const SendBlocks again = hedged();
  EXPECT_EQ(answer(again, {{}, again.ranges, 0, true}), Scheduler::Verdict::fine);
  EXPECT_TRUE(take<SendBlocks>().empty());
  EXPECT_EQ(arrives(first), Scheduler::Verdict::fine);
}

TEST_F(SchedulerDuplicates, a_joined_prefetch_is_hedged_too) {
  prefetch(blocks(0, 16));
  first = take<SendBlocks>().at(0);
  read({first.ranges[0].first, BlockCount(1)});
  advance(300ms);
  const SendBlocks again = take_one<SendBlocks>();
  EXPECT_NE(again.peer, first.peer);
  EXPECT_EQ(blocks_in({again}), 1U) << "only what somebody waits for";
}

TEST_F(SchedulerDuplicates, hedges_are_a_small_share_of_what_comes) {
  std::uint64_t asked_again = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    read(blocks(i * 64, 8), 10s);
    const auto sent = take<SendBlocks>();
    advance(1s);
    for (const SendBlocks& s : take<SendBlocks>()) {
      if (reason_of(s) == FetchReason::duplicate) asked_again += blocks_in({s});
    }
    for (const SendBlocks& s : sent) {
      if (scheduler.fetch(s.id) != nullptr) deliver(s);
    }
  }
  EXPECT_GT(asked_again, 256U);
  EXPECT_LE(asked_again, 256U + 16'000 / 50 + 8);
}

TEST_F(SchedulerDuplicates, an_idle_link_repeats_the_tail_of_a_slow_one) {
  scheduler.peer_down(b, now);
  scheduler.link_measured(a, 20'000, 10ms);  // 32 blocks: 6 s
  prefetch(blocks(0, 32));
  first = take_one<SendBlocks>();
  connect(b, 100, 10);
  complete(b);
  const SendBlocks again = take_one<SendBlocks>();
  EXPECT_EQ(again.peer, b);
  EXPECT_EQ(reason_of(again), FetchReason::duplicate);
  EXPECT_EQ(again.ranges, first.ranges);
}

TEST_F(SchedulerDuplicates, the_tail_is_not_repeated_before_the_cap_of_the_node_gives_more) {
  scheduler.peer_down(b, now);
  scheduler.link_measured(a, 20'000, 10ms);
  scheduler.own_link({.site = {}, .ingress_bytes_per_second = 100e3, .sites = {}}, now);
  prefetch(blocks(0, 32));
  advance(700ms);
  first = take_one<SendBlocks>();
  connect(b, 100, 10);
  complete(b);
  EXPECT_TRUE(take<SendBlocks>().empty()) << "the cap is used up";
  advance(1400ms);
  const auto again = take<SendBlocks>();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(reason_of(again.front()), FetchReason::duplicate);
}

TEST_F(SchedulerDuplicates, the_tail_is_not_repeated_where_that_brings_little) {
  prefetch(blocks(0, 64));
  for (const SendBlocks& s : take<SendBlocks>())
    EXPECT_EQ(reason_of(s), FetchReason::unplanned);
}

// --- Money.

TEST_F(SchedulerDuplicates, a_read_goes_to_a_holder_that_can_be_paid) {
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.set_budget(image, 0.0, now);
  read(blocks(100, 1));
  EXPECT_EQ(take_one<SendBlocks>().peer, b);
}

TEST_F(SchedulerDuplicates, a_read_that_cannot_be_paid_waits_and_then_says_why) {
  for (const PeerId peer : {a, b})
    scheduler.link_info(peer, {.price_per_gib = 1, .site = ""});
  scheduler.set_budget(image, 0.0, now);
  read(blocks(100, 1), 1s);
  EXPECT_TRUE(take<SendBlocks>().empty());
  EXPECT_TRUE(scheduler.too_dear(image));
  advance(1s);
  EXPECT_TRUE(take_one<FailRead>().too_dear);
}

TEST_F(SchedulerDuplicates, a_read_waits_for_money_to_be_cleared_and_does_not_fail) {
  for (const PeerId peer : {a, b})
    scheduler.link_info(peer, {.price_per_gib = 1, .site = ""});
  scheduler.set_budget(image, 1.0, now);
  scheduler.clear_money(image, 0.0, now);
  read(image, blocks(100, 1), {}, 1s, false);
  EXPECT_TRUE(take<SendBlocks>().empty());
  EXPECT_TRUE(take<FailRead>().empty());
  EXPECT_FALSE(scheduler.too_dear(image));
  scheduler.clear_money(image, 1.0, now);
  step();
  EXPECT_EQ(take<SendBlocks>().size(), 1U);
}

TEST_F(SchedulerDuplicates, raising_the_budget_lets_a_read_go_on) {
  for (const PeerId peer : {a, b})
    scheduler.link_info(peer, {.price_per_gib = 1, .site = ""});
  scheduler.set_budget(image, 0.0, now);
  read(blocks(100, 1));
  scheduler.set_budget(image, 1.0, now);
  step();
  EXPECT_EQ(take<SendBlocks>().size(), 1U);
}

TEST_F(SchedulerDuplicates, prefetch_stops_where_the_budget_ends) {
  scheduler.link_info(a, {.price_per_gib = 1, .site = ""});
  scheduler.peer_down(b, now);
  const double budget = 500.0 * MoneyLedger::most_bytes_per_block / (1 << 30);
  scheduler.set_budget(image, budget, now);
  prefetch(blocks(0, 10'000));
  std::uint64_t got = 0;
  for (auto sent = take<SendBlocks>(); !sent.empty(); sent = take<SendBlocks>()) {
    for (const SendBlocks& s : sent) {
      got += blocks_in({s});
      deliver(s);
      EXPECT_LE(scheduler.money(image)->spent() + scheduler.money(image)->reserved(),
                budget * (1 + 1e-9));
    }
  }
  EXPECT_GE(got, 490U);
  EXPECT_LE(got, 520U);
}

// --- Caps and pauses.

TEST_F(SchedulerDuplicates, a_held_prefetch_goes_on_when_it_is_let_go) {
  scheduler.hold_prefetch(image, true, now);
  prefetch(blocks(0, 32));
  advance(10s);
  EXPECT_TRUE(take<SendBlocks>().empty());
  scheduler.hold_prefetch(image, false, now);
  step();
  EXPECT_EQ(blocks_in(take<SendBlocks>()), 32U);
}

TEST_F(SchedulerDuplicates, the_cap_of_the_node_counts_bytes_on_the_wire_of_all_images) {
  const ImageId other = image_id(2);
  scheduler.add_image(other, BlockCount(100'000));
  complete(a, other);
  scheduler.own_link({.site = {}, .ingress_bytes_per_second = 1e6, .sites = {}}, now);
  prefetch(blocks(0, 100'000));
  prefetch(other, blocks(0, 100'000));
  double wire = 0;
  for (int ms = 0; ms < 10'000; ms += 20) {
    advance(20ms);
    for (const SendBlocks& s : take<SendBlocks>()) {
      wire += static_cast<double>(blocks_in({s})) * 2048;
      if (scheduler.fetch(s.id) == nullptr) continue;
      answer(s, {s.ranges, {}, blocks_in({s}) * 2048, true});
      land(s.image, s.ranges);
    }
  }
  EXPECT_NEAR(wire, 10e6, 0.7e6);
}

}  // namespace
}  // namespace weft::fetcher::testing
