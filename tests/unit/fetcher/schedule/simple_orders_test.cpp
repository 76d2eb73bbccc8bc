// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/simple_orders.h"

#include "tests/unit/fetcher/schedule/order_fixture.h"

#include <set>

namespace weft::fetcher::testing {
namespace {

class SimpleOrdersTest : public OrderTest {
 protected:
  /// Picks until nothing is left for `to`; every pick must be wanted and held.
  RangeSet drain(const PrefetchOrder& order, PeerId to) {
    RangeSet all;
    for (;;) {
      const Picked picked = order.pick(offer(to, 64));
      if (picked.ranges.empty()) return all;
      for (const BlockRange& range : picked.ranges) {
        EXPECT_TRUE(wanted.covers(range));
        EXPECT_EQ(holders.held(to, range), std::vector{range});
        take(range);
        all.add(range);
      }
    }
  }
};

TEST_F(SimpleOrdersTest, nearest_leaves_blocks_to_the_nearest_holder) {
  peer(a, 100, "", 20);
  peer(b, 1, "####....", 5);
  want("########");
  EXPECT_EQ(picture(drain(NearestOrder(), a), 8), "....####");
  EXPECT_EQ(picture(drain(NearestOrder(), b), 8), "####....");
}

TEST_F(SimpleOrdersTest, nearest_does_not_wait_for_a_stalled_peer) {
  peer(a, 100, "", 20);
  peer(b, 1, "", 5).lively = false;
  want("########");
  EXPECT_EQ(picture(drain(NearestOrder(), a), 8), "########");
}

TEST_F(SimpleOrdersTest, random_brings_everything_a_batch_at_a_time_in_no_order) {
  peer(a, 100);
  want(blocks(0, 32 * 50));
  std::vector<std::uint64_t> firsts;
  const RandomOrder order(3);
  while (!wanted.empty()) {
    const Picked picked = order.pick(offer(a, 64));
    ASSERT_EQ(picked.ranges.size(), 1U);
    EXPECT_EQ(picked.ranges[0].count, BlockCount(32));
    firsts.push_back(picked.ranges[0].first.value());
    take(picked.ranges[0]);
  }
  EXPECT_EQ(firsts.size(), 50U);
  EXPECT_FALSE(std::ranges::is_sorted(firsts));
}

TEST_F(SimpleOrdersTest, orders_with_dice_find_the_little_a_peer_holds) {
  std::string holds(32 * 40, '.');
  holds[1000] = '#';
  peer(a, 100, holds);
  want(blocks(0, 32 * 40));
  EXPECT_EQ(RandomOrder(5).pick(offer(a, 64)).ranges, std::vector{blocks(1000, 1)});
  EXPECT_EQ(RarestFirst(5).pick(offer(a, 64)).ranges, std::vector{blocks(1000, 1)});
}

TEST_F(SimpleOrdersTest, rarest_first_prefers_what_fewest_hold) {
  peer(a, 100);
  peer(b, 100, std::string(32 * 8, '#'));  // of ten batches, the first eight are held twice
  want(blocks(0, 32 * 10));
  const RarestFirst order(9);
  std::set<std::uint64_t> first_two;
  for (int i = 0; i < 2; ++i) {
    const Picked picked = order.pick(offer(a, 64));
    ASSERT_FALSE(picked.ranges.empty());
    first_two.insert(picked.ranges[0].first.value());
    take(picked.ranges[0]);
  }
  EXPECT_EQ(first_two, (std::set<std::uint64_t>{256, 288}));
}

TEST_F(SimpleOrdersTest, nodes_with_different_seeds_ask_for_different_blocks) {
  peer(a, 100);
  want(blocks(0, 32 * 1000));
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    firsts.insert(RarestFirst(seed).pick(offer(a, 64)).ranges.at(0).first.value());
  EXPECT_GT(firsts.size(), 15U);
}

TEST_F(SimpleOrdersTest, rarest_first_brings_everything) {
  peer(a, 100);
  peer(b, 100, std::string(320, '#'));
  want(blocks(5, 1000));
  EXPECT_EQ(drain(RarestFirst(1), b).count(), BlockCount(315));
  EXPECT_EQ(drain(RarestFirst(1), a).count(), BlockCount(685));
}

}  // namespace
}  // namespace weft::fetcher::testing
