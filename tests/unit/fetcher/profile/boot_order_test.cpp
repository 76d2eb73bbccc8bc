// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/boot_order.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;

/// Read one millisecond after the other, in this order.
BootProfile read_in_order(const std::vector<std::uint64_t>& blocks) {
  BootProfile profile;
  for (const std::uint64_t block : blocks) {
    profile.entries.push_back(
        {.key = block, .block = BlockIndex(block), .at = milliseconds(profile.entries.size())});
  }
  return profile;
}

std::vector<std::uint64_t> blocks_of(const BootSlice& slice) {
  std::vector<std::uint64_t> blocks;
  for (const ProfileEntry& entry : slice.entries)
    blocks.push_back(entry.block.value());
  return blocks;
}

TEST(BootOrder, slices_follow_time_and_each_is_in_image_order) {
  const BootProfile profile = read_in_order({90, 80, 70, 10, 60, 20, 50});
  const auto slices = boot_slices(profile, {.first_slice = 2, .slice = 3});
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(blocks_of(slices[0]), (std::vector<std::uint64_t>{80, 90}));
  EXPECT_EQ(blocks_of(slices[1]), (std::vector<std::uint64_t>{10, 60, 70}));
  EXPECT_EQ(blocks_of(slices[2]), (std::vector<std::uint64_t>{20, 50}));
}

TEST(BootOrder, what_few_boots_read_or_only_late_comes_in_the_second_stage) {
  BootProfile profile = read_in_order({1, 2, 3, 4});
  profile.boots = 4;
  for (ProfileEntry& entry : profile.entries)
    entry.boots = 4;
  profile.entries[1].boots = 1;
  profile.entries[3].at = std::chrono::minutes(3);
  const auto slices = boot_slices(profile);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(blocks_of(slices[0]), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(stage_of(slices[0].tier), 1);
  EXPECT_EQ(blocks_of(slices[1]), (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(stage_of(slices[1].tier), 2);
}

TEST(BootOrder, tiers_never_descend_nor_leave_their_stage_in_the_longest_profile) {
  std::vector<std::uint64_t> all(max_profile_entries);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = i;
  const auto slices = boot_slices(read_in_order(all), {.ready_by = std::chrono::seconds(60)});
  plan::Tier before = 1;
  std::size_t entries = 0;
  for (const BootSlice& slice : slices) {
    EXPECT_GE(slice.tier, before);
    before = slice.tier;
    entries += slice.entries.size();
  }
  EXPECT_EQ(entries, all.size());
  EXPECT_EQ(slices.front().tier, 1);
  EXPECT_EQ(slices.back().tier, soon_tier) << "of what is read after a minute";
}

TEST(BootOrder, neighbours_make_one_run) {
  const auto slices = boot_slices(read_in_order({7, 5, 6, 9}));
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(hinted_blocks(slices[0]), (std::vector<BlockRange>{{BlockIndex(5), BlockCount(3)},
                                                               {BlockIndex(9), BlockCount(1)}}));
}

}  // namespace
}  // namespace weft::fetcher
