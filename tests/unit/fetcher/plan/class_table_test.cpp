// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/class_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher::plan {
namespace {

using testing::ElementsAre;

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(ClassTable, blocks_with_equal_holders_and_tier_are_one_class) {
  ClassTable table;
  const std::vector<SourceIndex> ab{0, 1};
  const std::vector<SourceIndex> ba{1, 0, 1};
  const std::vector<SourceIndex> b{1};
  table.add(blocks(0, 2), 1, ab, 100);
  table.add(blocks(2, 1), 1, ba, 10);  // continues the run
  table.add(blocks(9, 1), 1, b, 7);
  table.add(blocks(5, 1), 2, ab, 3);
  table.add(blocks(7, 1), 1, ab, 1);
  Problem problem;
  table.move_into(problem);
  ASSERT_EQ(problem.classes.size(), 3U);
  EXPECT_EQ(problem.classes[0].bytes, 111U);
  EXPECT_EQ(problem.classes[2].tier, 2);
  EXPECT_EQ(problem.classes[0].holders, problem.classes[2].holders);
  EXPECT_THAT(problem.holder_sets[problem.classes[0].holders], ElementsAre(0, 1));
  ASSERT_EQ(table.order().size(), 4U);
  EXPECT_EQ(table.order()[0].blocks, blocks(0, 3));
  EXPECT_EQ(table.order()[3].transfer_class, 0U);
}

TEST(ClassTable, blocks_without_a_holder_are_a_class_too) {
  ClassTable table;
  table.add(blocks(0, 1), 1, {}, 5);
  Problem problem;
  table.move_into(problem);
  ASSERT_EQ(problem.classes.size(), 1U);
  EXPECT_TRUE(problem.holder_sets[problem.classes[0].holders].empty());
}

}  // namespace
}  // namespace weft::fetcher::plan
