// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/urgency.h"

#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::fetcher {
namespace {

using testing::blocks;
using testing::picture;
using testing::ranges;
using testing::set;

std::vector<std::string> visited(const Urgency& urgency, const RangeSet& wanted) {
  std::vector<std::string> all;
  urgency.visit(wanted, [&](plan::Tier tier, const RangeSet& part) {
    all.push_back(std::to_string(tier) + " " + picture(part, 8));
    return true;
  });
  return all;
}

TEST(Urgency, slices_come_in_order_and_each_in_image_order) {
  const std::vector<Urgency::Slice> slices{
      {1, ranges("......##")}, {2, ranges("##......")}, {soon_tier, ranges("..#.....")}};
  EXPECT_EQ(visited(Urgency(slices), set("########")),
            (std::vector<std::string>{"1 ......##", "2 ##......", "13 ..#....."}));
}

TEST(Urgency, a_block_in_two_slices_counts_for_the_first) {
  const std::vector<Urgency::Slice> slices{{1, ranges(".##.....")}, {2, ranges("####....")}};
  EXPECT_EQ(visited(Urgency(slices), set("########")),
            (std::vector<std::string>{"1 .##.....", "2 #..#...."}));
}

TEST(Urgency, only_what_is_wanted_is_visited) {
  const std::vector<Urgency::Slice> slices{{1, ranges("##......")}, {2, ranges("..##....")}};
  EXPECT_EQ(visited(Urgency(slices), set("...#####")), (std::vector<std::string>{"2 ...#...."}));
}

TEST(Urgency, what_has_landed_is_not_urgent_when_it_is_lost) {
  Urgency urgency(std::vector<Urgency::Slice>{{1, ranges("####....")}, {2, ranges("....####")}});
  urgency.landed(blocks(2, 4));
  EXPECT_EQ(visited(urgency, set("########")),
            (std::vector<std::string>{"1 ##......", "2 ......##"}));
  urgency.landed(blocks(0, 8));
  EXPECT_TRUE(urgency.empty());
}

TEST(Urgency, foresees_what_is_in_a_slice_until_it_is_here) {
  Urgency urgency(std::vector<Urgency::Slice>{{1, ranges("..##....")}});
  EXPECT_TRUE(urgency.foresees(blocks(0, 3)));
  EXPECT_FALSE(urgency.foresees(blocks(4, 4)));
  urgency.landed(blocks(2, 2));
  EXPECT_FALSE(urgency.foresees(blocks(0, 8)));
}

TEST(Urgency, stages_are_what_people_see_of_tiers) {
  EXPECT_EQ(stage_of(1), 1);
  EXPECT_EQ(stage_of(boot_tiers), 1);
  EXPECT_EQ(stage_of(soon_tier), 2);
  EXPECT_EQ(stage_of(last_tier), 3);
  EXPECT_LE(last_tier, plan::max_tiers);
}

}  // namespace
}  // namespace weft::fetcher
