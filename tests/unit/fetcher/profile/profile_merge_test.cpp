// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_merge.h"

#include "tests/support/fetcher/boots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher {
namespace {

using test::boot;
using testing::ElementsAre;

std::vector<std::uint64_t> keys(const BootProfile& profile) {
  std::vector<std::uint64_t> all;
  for (const auto& entry : profile.entries)
    all.push_back(entry.key);
  return all;
}

const ProfileEntry& of(const BootProfile& profile, std::uint64_t key) {
  return *std::ranges::find(profile.entries, key, &ProfileEntry::key);
}

TEST(MergeBoots, one_boot_is_its_own_profile) {
  const std::vector one{boot({{1, 0}, {2, 10}}, 7)};
  EXPECT_EQ(merge_boots(one), one.front());
}

TEST(MergeBoots, counts_the_boots_that_read_a_block_and_takes_the_median_time) {
  const std::vector boots{boot({{1, 0}, {2, 100}}), boot({{1, 0}, {2, 900}, {3, 950}}),
                          boot({{1, 0}, {2, 120}})};
  const BootProfile merged = merge_boots(boots);
  EXPECT_TRUE(is_valid(merged));
  EXPECT_EQ(merged.boots, 3u);
  EXPECT_THAT(keys(merged), ElementsAre(1, 2, 3));
  EXPECT_EQ(of(merged, 2).at.count(), 120) << "one slow boot does not move it";
  EXPECT_EQ(of(merged, 2).boots, 3);
  EXPECT_EQ(of(merged, 3).boots, 1);
}

TEST(MergeBoots, of_two_times_the_earlier_one_counts) {
  const std::vector boots{boot({{1, 40}}), boot({{1, 90}})};
  EXPECT_EQ(merge_boots(boots).entries.front().at.count(), 40);
}

TEST(MergeBoots, blocks_of_one_time_stay_in_the_order_of_the_newest_boot) {
  const std::vector boots{boot({{1, 0}, {2, 0}, {3, 0}}), boot({{3, 0}, {1, 0}, {2, 0}})};
  EXPECT_THAT(keys(merge_boots(boots)), ElementsAre(3, 1, 2));
}

TEST(MergeBoots, place_is_that_of_the_newest_boot_that_read_the_block) {
  std::vector boots{boot({{1, 0}}), boot({{1, 0}}), boot({{2, 0}})};
  boots[1].entries[0].block = BlockIndex(777);
  EXPECT_EQ(of(merge_boots(boots), 1).block, BlockIndex(777));
}

TEST(MergeBoots, what_most_boots_read_is_kept_then_what_was_read_early) {
  const std::vector boots{boot({{1, 0}, {2, 10}, {3, 20}, {4, 30}}),
                          boot({{1, 0}, {5, 5}, {4, 30}}), boot({{1, 0}, {4, 30}}),
                          boot({{1, 0}, {3, 25}})};
  EXPECT_THAT(keys(merge_boots(boots, 3)), ElementsAre(1, 3, 4));
  EXPECT_THAT(keys(merge_boots(boots, 4)), ElementsAre(1, 5, 3, 4));
}

TEST(MergeBoots, profile_of_many_boots_elsewhere_is_outweighed_by_a_few_here) {
  std::vector boots{boot({{1, 0, 50}, {9, 10, 50}}, 50)};
  for (int i = 0; i < 5; ++i)
    boots.push_back(boot({{1, 200}}));
  const BootProfile merged = merge_boots(boots);
  EXPECT_TRUE(is_valid(merged));
  EXPECT_EQ(merged.boots, most_weight + 5);
  EXPECT_EQ(of(merged, 1).at.count(), 200);
  EXPECT_EQ(of(merged, 9).boots, most_weight);
}

TEST(MergeBoots, block_of_few_boots_elsewhere_counts_as_one) {
  const std::vector boots{boot({{1, 0, 1}, {2, 0, 30}}, 50), boot({{2, 0}})};
  const BootProfile merged = merge_boots(boots);
  EXPECT_EQ(of(merged, 1).boots, 1);
  EXPECT_EQ(of(merged, 2).boots, 3) << "30 of 50 are 2 of 4, and the one here";
}

TEST(KeepMostNeeded, leaves_a_valid_profile_in_its_order) {
  BootProfile profile = boot({{1, 0, 1}, {2, 0, 2}, {3, 5, 2}, {4, 9, 1}}, 2);
  keep_most_needed(profile, 3);
  EXPECT_THAT(keys(profile), ElementsAre(1, 2, 3));
  EXPECT_TRUE(is_valid(profile));
  keep_most_needed(profile, 10);
  EXPECT_EQ(profile.entries.size(), 3u);
}

}  // namespace
}  // namespace weft::fetcher
