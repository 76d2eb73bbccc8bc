// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

class SwarmTest : public ::testing::Test {
 protected:
  static constexpr PeerId origin{1};
  static constexpr PeerId partner{2};
  static NodeId node(std::uint32_t n) {
    NodeId id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    id.bytes[1] = static_cast<std::uint8_t>(n >> 8U);
    return id;
  }
  static std::string address(std::uint32_t n) { return "host:" + std::to_string(n); }
  static wire::SwarmAnswer answer(std::uint32_t members, std::uint32_t slot,
                                  std::initializer_list<std::uint32_t> partners) {
    wire::SwarmAnswer answer{true, members, slot, {}};
    for (const std::uint32_t n : partners)
      answer.partners.push_back({node(n), address(n)});
    return answer;
  }
  Swarm::Actions tick(bool idle = false) {
    auto actions = swarm.tick({wanted, holders, idle}, now);
    swarm.check_invariants();
    now += Swarm::tick_every;
    return actions;
  }
  void SetUp() override {
    wanted.add({BlockIndex(0), BlockCount(3200)});
    holders.complete(origin);
  }

  TimePoint now{1h};
  RangeSet wanted;
  Holders holders;
  Swarm swarm{node(100), ImageId{}, BlockCount(3200), 1, {.partners = 2, .callers = 1}};
};

TEST_F(SwarmTest, peer_is_asked_when_it_connects_soon_again_and_seldom_later) {
  swarm.connected(origin, node(1), true, now);
  unsigned asked = 0;
  for (int i = 0; i < 60; ++i) {  // 30 seconds
    const auto actions = tick();
    if (actions.ask.empty()) continue;
    ++asked;
    swarm.answered(origin, answer(2, 0, {}), now);
  }
  EXPECT_GE(asked, 7U);
  EXPECT_LE(asked, 12U);
}

TEST_F(SwarmTest, peer_that_does_not_speak_of_swarms_is_not_asked) {
  swarm.connected(origin, node(1), false, now);
  EXPECT_TRUE(tick().ask.empty());
  EXPECT_FALSE(swarm.active());
}

TEST_F(SwarmTest, is_active_while_it_asks_and_with_others_but_not_alone) {
  swarm.connected(origin, node(1), true, now);
  EXPECT_TRUE(swarm.active());
  swarm.answered(origin, answer(1, 0, {}), now);
  EXPECT_FALSE(swarm.active());
  swarm.answered(origin, answer(2, 0, {2}), now);
  EXPECT_TRUE(swarm.active());
}

TEST_F(SwarmTest, question_without_an_answer_holds_nothing_up_for_long) {
  swarm.connected(origin, node(1), true, now);
  for (int i = 0; i < 4; ++i)
    tick();
  EXPECT_FALSE(swarm.active());
}

TEST_F(SwarmTest, peer_that_begins_to_fetch_is_asked_again_and_is_an_origin_no_more) {
  swarm.connected(partner, node(2), true, now);
  swarm.answered(partner, answer(2, 0, {}), now);
  while (!tick().ask.empty())
    swarm.answered(partner, answer(2, 0, {}), now);
  EXPECT_FALSE(swarm.order()->may_repeat(partner)) << "it is spared";
  holders.partial(partner, {{BlockIndex(0), BlockCount(32)}}, {});
  EXPECT_EQ(tick().ask, std::vector{partner});
  wire::SwarmAnswer no_origin = answer(2, 0, {});
  no_origin.origin = false;
  swarm.answered(partner, no_origin, now);
  EXPECT_TRUE(swarm.order()->may_repeat(partner));
}

TEST_F(SwarmTest, few_of_many_addresses_are_dialled) {
  swarm.connected(origin, node(1), true, now);
  swarm.answered(origin, answer(9, 0, {2, 3, 4, 5, 6, 7, 8}), now);
  EXPECT_EQ(tick().dial.size(), 2U);
  EXPECT_TRUE(tick().dial.empty());
}

TEST_F(SwarmTest, node_that_called_is_called_back) {
  swarm.called_by({{node(2), address(2)}, {node(3), address(3)}});
  const auto dial = tick().dial;
  EXPECT_EQ(dial.size(), 1U) << "within the bound";
}

TEST_F(SwarmTest, neither_itself_nor_a_connected_node_is_dialled) {
  swarm.connected(origin, node(1), true, now);
  swarm.connected(partner, node(2), true, now);
  swarm.answered(origin, answer(3, 0, {100, 1, 2}), now);
  EXPECT_TRUE(tick().dial.empty());
}

TEST_F(SwarmTest, address_that_cannot_be_reached_makes_room_and_is_left_alone) {
  swarm.connected(origin, node(1), true, now);
  swarm.answered(origin, answer(5, 0, {2, 3}), now);
  auto dialled = tick().dial;
  now += 11s;
  auto actions = tick();
  std::ranges::sort(dialled);
  std::ranges::sort(actions.hang_up);
  EXPECT_EQ(actions.hang_up, dialled);
  swarm.answered(origin, answer(5, 0, {2, 3}), now);
  EXPECT_TRUE(tick().dial.empty());
}

TEST_F(SwarmTest, partner_that_brings_nothing_makes_room_for_another) {
  swarm.connected(origin, node(1), true, now);
  swarm.answered(origin, answer(5, 0, {2}), now);
  ASSERT_EQ(tick().dial.size(), 1U);
  swarm.connected(partner, node(2), true, now);
  now += 20s;
  EXPECT_TRUE(tick().hang_up.empty()) << "there is no other";
  swarm.answered(origin, answer(5, 0, {3, 4, 5}), now);
  swarm.brought(partner, now);
  EXPECT_TRUE(tick().hang_up.empty()) << "it has just brought something";
  swarm.answered(origin, answer(5, 0, {6, 7}), now);
  now += 20s;
  const auto actions = tick();
  EXPECT_EQ(std::ranges::count(actions.hang_up, address(2)), 1);
}

TEST_F(SwarmTest, idle_node_is_granted_pieces_in_the_end_that_are_not_its_own) {
  swarm.connected(origin, node(1), true, now);
  swarm.connected(partner, node(2), true, now);
  swarm.answered(origin, answer(64, 3, {}), now);
  wire::SwarmAnswer other;
  swarm.answered(partner, other, now);
  for (const std::uint32_t n : pieces_of({64, 3}, Pieces(BlockCount(3200))))
    wanted.remove(Pieces(BlockCount(3200)).range(n));
  const auto granted = [&] {
    return !swarm.order()
                ->pick({origin, BlockCount(512), wanted, holders, {}, {}, false})
                .ranges.empty();
  };
  int first = -1;
  for (int i = 0; i < 30 && first < 0; ++i) {
    swarm.brought(partner, now);  // now and then
    tick(true);
    if (granted()) first = i;
  }
  EXPECT_GE(first, 1);
  for (int i = 0; i < 3; ++i) {
    swarm.brought(partner, now);
    tick(false);
  }
  EXPECT_FALSE(granted()) << "a busy node is not";
}

TEST_F(SwarmTest, node_that_partners_bring_nothing_to_takes_all_from_the_origin) {
  swarm.connected(origin, node(1), true, now);
  swarm.answered(origin, answer(64, 3, {}), now);
  const auto offered = [&] {
    return RangeSet(swarm.order()
                        ->pick({origin, BlockCount(512), wanted, holders, {}, {}, false})
                        .ranges)
        .count();
  };
  tick();
  EXPECT_LT(offered(), BlockCount(256));
  now += 6s;
  tick();
  EXPECT_EQ(offered(), BlockCount(512));
}

}  // namespace
}  // namespace weft::fetcher
