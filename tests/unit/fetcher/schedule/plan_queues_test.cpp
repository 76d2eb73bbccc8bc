// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/plan_queues.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <random>

namespace weft::fetcher::testing {
namespace {

class PlanQueuesTest : public ::testing::Test {
 protected:
  static constexpr PeerId a{1};
  static constexpr PeerId b{2};
  static constexpr std::size_t width = 12;

  void want(std::string_view what) {
    for (const BlockRange& range : ranges(what)) {
      queues.add(range);
      wanted.add(range);
    }
  }
  void remove(std::string_view what) {
    for (const BlockRange& range : ranges(what)) {
      queues.remove(range);
      wanted.remove(range);
    }
    queues.check_invariants(wanted);
  }
  std::string order(PeerId peer) const {
    std::string text;
    queues.from_front(peer, [&](BlockRange part) {
      text += std::to_string(part.first.value()) + "+" + std::to_string(part.count.value()) + " ";
      return true;
    });
    return text;
  }

  PlanQueues queues;
  RangeSet wanted;
};

TEST_F(PlanQueuesTest, keep_the_order_of_the_plan) {
  want("############");
  queues.install({{a, {{blocks(8, 4), 1}, {blocks(0, 2), 1}, {blocks(4, 4), 2}}}});
  queues.check_invariants(wanted);
  EXPECT_EQ(order(a), "8+4 0+2 4+4 ");
  EXPECT_EQ(queues.left(a), BlockCount(10));
  EXPECT_EQ(picture(queues.unplanned(), width), "..##........");
}

TEST_F(PlanQueuesTest, take_only_what_is_wanted_and_each_block_once) {
  want("####....####");
  queues.install({{a, {{blocks(2, 8), 1}, {blocks(3, 1), 2}}}, {b, {{blocks(0, 12), 1}}}});
  queues.check_invariants(wanted);
  EXPECT_EQ(order(a), "2+2 8+2 ");
  EXPECT_EQ(order(b), "0+2 10+2 ");
  EXPECT_TRUE(queues.unplanned().empty());
}

TEST_F(PlanQueuesTest, a_removed_block_does_not_come_back_with_its_neighbours) {
  want("############");
  queues.install({{a, {{blocks(0, 12), 1}}}});
  remove("..##........");
  EXPECT_EQ(order(a), "0+2 4+8 ");
  EXPECT_EQ(queues.owner(BlockIndex(2)), std::nullopt);
  want("..##........");
  queues.check_invariants(wanted);
  EXPECT_EQ(order(a), "0+2 4+8 ") << "what comes back is in nobody's queue";
  EXPECT_EQ(picture(queues.unplanned(), width), "..##........");
}

TEST_F(PlanQueuesTest, from_the_back_is_the_reverse_order) {
  want("############");
  queues.install({{a, {{blocks(8, 4), 1}, {blocks(0, 4), 1}}}});
  remove(".#..........");
  std::vector<std::uint64_t> firsts;
  queues.from_back(a, [&](BlockRange part) {
    firsts.push_back(part.first.value());
    return true;
  });
  EXPECT_EQ(firsts, (std::vector<std::uint64_t>{2, 0, 8}));
}

TEST_F(PlanQueuesTest, know_the_tier_that_is_worked_on) {
  want("############");
  queues.install({{a, {{blocks(0, 2), 1}, {blocks(6, 2), 3}}}, {b, {{blocks(2, 2), 1}}}});
  EXPECT_EQ(queues.tier(), 1);
  EXPECT_EQ(queues.left(std::uint8_t{1}), BlockCount(4));
  remove("####........");
  EXPECT_EQ(queues.tier(), 3);
  remove("......##....");
  EXPECT_EQ(queues.tier(), 0);
}

TEST_F(PlanQueuesTest, a_dropped_source_leaves_its_blocks_unplanned) {
  want("############");
  queues.install({{a, {{blocks(0, 6), 1}}}, {b, {{blocks(6, 6), 1}}}});
  queues.drop(a);
  queues.check_invariants(wanted);
  EXPECT_EQ(picture(queues.unplanned(), width), "######......");
  EXPECT_EQ(queues.sources(), std::vector{b});
}

TEST_F(PlanQueuesTest, a_new_plan_replaces_the_old_one) {
  want("############");
  queues.install({{a, {{blocks(0, 12), 1}}}});
  remove("##..........");
  queues.install({{b, {{blocks(0, 12), 2}}}});
  queues.check_invariants(wanted);
  EXPECT_EQ(order(a), "");
  EXPECT_EQ(order(b), "2+10 ");
}

TEST(PlanQueues, keep_their_books_through_random_use) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    PlanQueues queues;
    RangeSet wanted;
    const auto some = [&] { return blocks(random() % 200, 1 + random() % 20); };
    for (int i = 0; i < 100; ++i) {
      const BlockRange range = some();
      switch (random() % 4) {
        case 0:
          for (const BlockRange& gap : wanted.gaps(range)) {
            queues.add(gap);
            wanted.add(gap);
          }
          break;
        case 1:
          queues.remove(range);
          wanted.remove(range);
          break;
        case 2:
          queues.drop(PeerId{static_cast<std::uint32_t>(random() % 4)});
          break;
        default: {
          PlanQueues::Queues plan;
          for (int n = 0; n < 30; ++n) {
            plan[PeerId{static_cast<std::uint32_t>(random() % 4)}].push_back(
                {some(), static_cast<std::uint8_t>(1 + random() % 3)});
          }
          queues.install(plan);
        }
      }
      queues.check_invariants(wanted);
    }
  }
}

}  // namespace
}  // namespace weft::fetcher::testing
