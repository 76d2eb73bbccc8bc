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

}  // namespace
}  // namespace weft::fetcher::testing
