// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm_order.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

class SwarmOrderTest : public ::testing::Test {
 protected:
  static constexpr PeerId origin{1};
  static constexpr PeerId a{2};
  static constexpr PeerId b{3};
  static BlockRange piece(std::uint64_t n, std::uint64_t count = 1) {
    return {BlockIndex(32 * n), BlockCount(32 * count)};
  }
  void SetUp() override {
    wanted.add(piece(0, 64));
    holders.complete(origin);
    order.set_partners({a, b});
    order.set_share(origin, share);
  }
  RangeSet pick(PeerId peer, BlockCount limit = BlockCount(64)) {
    return RangeSet(order.pick({peer, limit, wanted, holders, queues, links, false}).ranges);
  }
  RangeSet share_of_ours() const {
    RangeSet mine;
    for (const std::uint32_t n : pieces_of(share, order.pieces()))
      mine.add(piece(n));
    return mine;
  }

  const Share share{4, 2};
  RangeSet wanted;
  Holders holders;
  PlanQueues queues;
  std::vector<LinkPace> links;
  SwarmOrder order{BlockCount(64 * 32), 7};
};

TEST_F(SwarmOrderTest, origin_is_asked_for_our_share_alone) {
  const RangeSet picked = pick(origin, BlockCount(64 * 32));
  EXPECT_EQ(picked, share_of_ours());
}

TEST_F(SwarmOrderTest, origin_is_not_asked_for_what_a_partner_holds) {
  holders.partial(a, {piece(0, 64)}, {});
  EXPECT_TRUE(pick(origin).empty());
}

TEST_F(SwarmOrderTest, origin_whose_answer_is_awaited_is_not_asked) {
  order.set_pending({origin});
  EXPECT_TRUE(pick(origin).empty());
  order.set_pending({});
  EXPECT_FALSE(pick(origin).empty());
}

TEST_F(SwarmOrderTest, origin_is_asked_for_anything_when_it_is_not_to_be_spared) {
  order.spare_origins(false);
  EXPECT_EQ(pick(origin, BlockCount(64 * 32)).count(), wanted.count());
}

TEST_F(SwarmOrderTest, origin_repeats_nothing_while_it_is_spared) {
  EXPECT_FALSE(order.may_repeat(origin));
  EXPECT_TRUE(order.may_repeat(a));
  order.spare_origins(false);
  EXPECT_TRUE(order.may_repeat(origin));
}

TEST_F(SwarmOrderTest, granted_piece_is_asked_of_the_origin_besides) {
  std::uint32_t other = 0;
  while (share_of_ours().overlaps(piece(other)))
    ++other;
  order.grant({other});
  EXPECT_TRUE(pick(origin, BlockCount(64 * 32)).covers(piece(other)));
}

TEST_F(SwarmOrderTest, origin_that_many_ask_is_asked_for_little_at_a_time) {
  wanted = RangeSet({{BlockIndex(0), BlockCount(1'000'000)}});
  SwarmOrder large(BlockCount(1'000'000), 7);
  large.set_share(origin, {1000, 5});
  LinkPace pace;
  pace.peer = origin;
  pace.outstanding = BlockCount(100);
  links = {pace};
  const auto offer = [&] {
    return Offer{origin, BlockCount(512), wanted, holders, queues, links, false};
  };
  EXPECT_LE(RangeSet(large.pick(offer()).ranges).count(), BlockCount(28));
  links[0].outstanding = BlockCount(128);
  EXPECT_TRUE(large.pick(offer()).ranges.empty());
}

TEST_F(SwarmOrderTest, while_many_join_the_pieces_come_first_that_will_stay_ours) {
  const auto first_taken = [&](std::uint32_t members) {
    SwarmOrder young(BlockCount(100 * 32), 7);
    young.set_share(origin, {members, 2}, false);
    const Offer offer{origin, BlockCount(512), wanted, holders, queues, links, false};
    return young.pick(offer).ranges;
  };
  ASSERT_FALSE(first_taken(4).empty());
  EXPECT_EQ(first_taken(4).front().first, first_taken(20).front().first);
  EXPECT_LT(RangeSet(first_taken(2000)).count(), BlockCount(2));
}

TEST_F(SwarmOrderTest, rarest_of_what_a_partner_holds_comes_first) {
  holders.partial(a, {piece(0, 10)}, {});
  holders.partial(b, {piece(0, 4), piece(5, 5)}, {});
  EXPECT_EQ(pick(a, BlockCount(32)), RangeSet({piece(4)}));
}

TEST_F(SwarmOrderTest, seeds_differ_in_what_they_take) {
  holders.partial(a, {piece(0, 64)}, {});
  SwarmOrder other(BlockCount(64 * 32), 8);
  const Offer offer{a, BlockCount(64), wanted, holders, queues, links, false};
  EXPECT_NE(order.pick(offer).ranges, other.pick(offer).ranges);
}

TEST_F(SwarmOrderTest, partner_that_had_nothing_is_looked_at_again_when_it_says_more) {
  holders.partial(a, {}, {});
  EXPECT_TRUE(pick(a).empty());
  holders.partial(a, {piece(3)}, {});
  EXPECT_EQ(pick(a), RangeSet({piece(3)}));
}

TEST_F(SwarmOrderTest, partner_that_had_nothing_is_looked_at_again_when_more_is_wanted) {
  wanted = RangeSet({piece(0)});
  holders.partial(a, {piece(3)}, {});
  EXPECT_TRUE(pick(a).empty());
  wanted.add(piece(3));
  EXPECT_EQ(pick(a), RangeSet({piece(3)}));
}

TEST_F(SwarmOrderTest, picks_what_is_wanted_and_held_and_nothing_else) {
  holders.partial(a, {{BlockIndex(10), BlockCount(5)}, {BlockIndex(40), BlockCount(100)}}, {});
  wanted.remove({BlockIndex(50), BlockCount(10)});
  const RangeSet picked = pick(a, BlockCount(1000));
  EXPECT_EQ(picked.count(), BlockCount(95));
  EXPECT_FALSE(picked.overlaps({BlockIndex(50), BlockCount(10)}));
}

}  // namespace
}  // namespace weft::fetcher
