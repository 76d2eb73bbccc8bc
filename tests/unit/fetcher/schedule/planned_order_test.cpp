// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/planned_order.h"

#include "tests/unit/fetcher/schedule/order_fixture.h"

namespace weft::fetcher::testing {
namespace {

class PlannedOrderTest : public OrderTest {
 protected:
  [[nodiscard]] Picked pick(PeerId to, std::uint64_t limit) const {
    return PlannedOrder().pick(offer(to, limit));
  }
};

TEST_F(PlannedOrderTest, without_a_plan_goes_in_image_order) {
  peer(a, 100, ".###..##");
  want("#.##..##");
  const Picked picked = pick(a, 3);
  EXPECT_EQ(picture(picked.ranges, 8), "..##..#.");
  EXPECT_EQ(picked.reason, FetchReason::unplanned);
}

TEST_F(PlannedOrderTest, without_a_plan_what_is_urgent_goes_first_slice_by_slice) {
  peer(a, 100, "#######.");
  want("########");
  const Urgency urgency(std::vector<Urgency::Slice>{{1, {blocks(5, 3)}}, {2, {blocks(1, 2)}}});
  Offer offered = offer(a, 8);
  offered.urgency = &urgency;
  EXPECT_EQ(picture(PlannedOrder().pick(offered).ranges, 8), ".....##.");
  take(blocks(5, 2));
  EXPECT_EQ(picture(PlannedOrder().pick(offered).ranges, 8), ".##.....") << "7 it does not hold";
  take(blocks(1, 2));
  EXPECT_EQ(picture(PlannedOrder().pick(offered).ranges, 8), "#..##...");
}

TEST_F(PlannedOrderTest, a_source_brings_its_own_queue_in_order) {
  peer(a, 100);
  want("############");
  queues.install({{a, {{blocks(8, 2), 1}, {blocks(2, 4), 2}}}});
  const Picked picked = pick(a, 4);
  EXPECT_EQ(picked.ranges, (std::vector{blocks(8, 2), blocks(2, 2)}));
  EXPECT_EQ(picked.reason, FetchReason::planned);
}

TEST_F(PlannedOrderTest, of_its_queue_only_what_it_still_holds) {
  peer(a, 100, "##..####");
  want("########");
  queues.install({{a, {{blocks(0, 8), 1}}}});
  EXPECT_EQ(picture(pick(a, 8).ranges, 8), "##..####");
}

TEST_F(PlannedOrderTest, what_came_after_the_plan_goes_before_stealing) {
  peer(a, 100);
  peer(b, 1);
  want("########");
  queues.install({{b, {{blocks(0, 6), 1}}}});
  const Picked picked = pick(a, 8);
  EXPECT_EQ(picture(picked.ranges, 8), "......##");
  EXPECT_EQ(picked.reason, FetchReason::unplanned);
}

TEST_F(PlannedOrderTest, an_idle_source_steals_from_the_end_of_the_queue_that_would_end_last) {
  peer(a, 100);
  peer(b, 1);
  peer(c, 10);
  want(blocks(0, 6400));
  queues.install({{b, {{blocks(0, 3200), 1}}}, {c, {{blocks(3200, 3200), 1}}}});
  const Picked picked = pick(a, 64);
  EXPECT_EQ(picked.ranges, std::vector{blocks(3136, 64)});
  EXPECT_EQ(picked.reason, FetchReason::stolen);
}

TEST_F(PlannedOrderTest, nothing_is_stolen_that_the_owner_brings_as_early) {
  peer(a, 1, "", 2000);
  peer(b, 10);
  want(blocks(0, 320));
  queues.install({{b, {{blocks(0, 320), 1}}}});
  EXPECT_TRUE(pick(a, 64).ranges.empty()) << "here after 2 s + 2 s; b ends after 1 s";
  take(blocks(0, 0));
  want(blocks(320, 3200));
  queues.install({{b, {{blocks(0, 3520), 1}}}});
  EXPECT_EQ(pick(a, 64).ranges, std::vector{blocks(3456, 64)}) << "b ends after 11 s";
}

TEST_F(PlannedOrderTest, no_more_is_stolen_than_comes_earlier) {
  peer(a, 1);
  peer(b, 1);
  want(blocks(0, 320));
  queues.install({{b, {{blocks(0, 320), 1}}}});
  std::uint64_t stolen = 0;
  for (;;) {
    const Picked picked = pick(a, 64);
    if (picked.ranges.empty()) break;
    for (const BlockRange& range : picked.ranges) {
      take(range);
      stolen += range.count.value();
      links[0].outstanding += range.count;
    }
  }
  EXPECT_GE(stolen, 128U);
  EXPECT_LE(stolen, 160U) << "thief and owner meet in the middle";
}

TEST_F(PlannedOrderTest, steals_only_what_it_holds) {
  peer(a, 100, "#.#.....");
  peer(b, 1);
  want("########");
  queues.install({{b, {{blocks(0, 8), 1}}}});
  EXPECT_EQ(picture(pick(a, 8).ranges, 8), "#.#.....");
}

TEST_F(PlannedOrderTest, steals_from_a_stalled_source_whatever_its_rate) {
  peer(a, 1);
  peer(b, 1000).lively = false;
  want(blocks(0, 32));
  queues.install({{b, {{blocks(0, 32), 1}}}});
  EXPECT_EQ(pick(a, 64).ranges, std::vector{blocks(0, 32)});
}

TEST_F(PlannedOrderTest, sources_behind_one_uplink_do_not_steal_from_each_other) {
  peer(a, 100).capped_site = 7;
  peer(b, 1).capped_site = 7;
  want(blocks(0, 3200));
  queues.install({{b, {{blocks(0, 3200), 1}}}});
  EXPECT_TRUE(pick(a, 64).ranges.empty());
}

TEST_F(PlannedOrderTest, a_thrifty_thief_does_not_take_from_a_cheaper_source) {
  thrifty = true;
  peer(a, 100).price_per_gib = 2;
  peer(b, 1).price_per_gib = 1;
  want(blocks(0, 3200));
  queues.install({{b, {{blocks(0, 3200), 1}}}});
  EXPECT_TRUE(pick(a, 64).ranges.empty());
  links[1].price_per_gib = 2;
  EXPECT_FALSE(pick(a, 64).ranges.empty());
}

TEST_F(PlannedOrderTest, thrift_leaves_unplanned_blocks_to_the_cheapest_holder) {
  thrifty = true;
  peer(a, 100).price_per_gib = 2;
  peer(b, 1, "####....");
  want("########");
  EXPECT_EQ(picture(pick(a, 8).ranges, 8), "....####");
  links[1].lively = false;
  EXPECT_EQ(picture(pick(a, 8).ranges, 8), "########");
}

}  // namespace
}  // namespace weft::fetcher::testing
