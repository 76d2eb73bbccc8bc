// SPDX-License-Identifier: Apache-2.0
#include "fs/record/boot_recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace weft::fs {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Touches = std::vector<TouchLog::Touch>;

TouchLog::Touch touch(std::uint64_t first, std::uint64_t count, int at) {
  return {{BlockIndex(first), BlockCount(count)}, milliseconds(at)};
}

Digest digest_of(BlockIndex block) {
  Digest digest;
  digest.bytes[0] = 1;
  for (std::size_t i = 0; i < 4; ++i)
    digest.bytes[7 - i] = static_cast<std::uint8_t>(block.value() >> (8 * i));
  return digest;
}
Result<Digest> known(BlockIndex block) {
  return digest_of(block);
}

std::vector<std::uint64_t> blocks_of(const fetcher::BootProfile& profile) {
  std::vector<std::uint64_t> blocks;
  for (const auto& entry : profile.entries)
    blocks.push_back(entry.block.value());
  return blocks;
}

TEST(BootRecording, profile_has_each_block_once_in_the_order_of_first_reads) {
  BootRecording recording;
  recording.add(Touches{touch(7, 2, 0), touch(3, 1, 5), touch(8, 2, 9)});
  recording.resolve(known);
  const auto profile = recording.profile({});
  EXPECT_TRUE(is_valid(profile));
  EXPECT_THAT(blocks_of(profile), testing::ElementsAre(7, 8, 3, 9));
  EXPECT_EQ(profile.entries[3].at, milliseconds(9));
  EXPECT_EQ(profile.entries[0].key, digest_key(digest_of(BlockIndex(7))));
}

TEST(BootRecording, block_whose_digest_comes_later_keeps_its_time) {
  BootRecording recording;
  recording.add(Touches{touch(1, 1, 0), touch(2, 1, 10)});
  bool here = false;
  const auto later = [&](BlockIndex block) -> Result<Digest> {
    if (block == BlockIndex(1) && !here) return fail(Errc::not_resident, Operation::read);
    return digest_of(block);
  };
  recording.resolve(later);
  EXPECT_EQ(recording.blocks(), 1u);
  here = true;
  recording.resolve(later);
  EXPECT_THAT(blocks_of(recording.profile({})), testing::ElementsAre(1, 2));
}

TEST(BootRecording, zero_blocks_repeated_content_and_unreadable_places_are_left_out) {
  BootRecording recording;
  recording.add(Touches{touch(0, 5, 0)});
  recording.resolve([](BlockIndex block) -> Result<Digest> {
    if (block == BlockIndex(1)) return Digest{};
    if (block == BlockIndex(2)) return digest_of(BlockIndex(0));
    if (block == BlockIndex(3)) return fail(Errc::bad_request, Operation::read);
    return digest_of(block);
  });
  EXPECT_THAT(blocks_of(recording.profile({})), testing::ElementsAre(0, 4));
}

TEST(BootRecording, is_over_when_nothing_new_is_read_for_a_while) {
  BootRecording recording;
  recording.add(Touches{touch(1, 1, 0), touch(2, 1, 5000)});
  EXPECT_FALSE(recording.is_over(seconds(34)));
  EXPECT_TRUE(recording.is_over(seconds(35)));
  recording.still_active(seconds(34));
  EXPECT_FALSE(recording.is_over(seconds(60))) << "the guest was waiting for a block";
}

TEST(BootRecording, is_over_when_the_guest_never_rests) {
  BootRecording recording;
  recording.add(Touches{touch(1, 1, 0)});
  recording.still_active(minutes(10));
  EXPECT_TRUE(recording.is_over(minutes(10)));
}

TEST(BootRecording, few_blocks_are_no_boot) {
  BootRecording recording;
  recording.add(Touches{touch(1, 255, 0)});
  recording.resolve(known);
  EXPECT_EQ(recording.kind(BlockCount(100'000)), RecordingKind::too_few);
  recording.add(Touches{touch(50'000, 1, 1)});
  recording.resolve(known);
  EXPECT_EQ(recording.kind(BlockCount(100'000)), RecordingKind::boot);
}

TEST(BootRecording, copy_in_order_is_no_boot_even_if_threads_reorder_it) {
  BootRecording recording;
  for (int i = 0; i < 400; ++i)
    recording.add(Touches{touch(static_cast<std::uint64_t>(32 * (i ^ 3)), 32, i)});
  recording.resolve(known);
  EXPECT_EQ(recording.kind(BlockCount(13'000)), RecordingKind::copy);
  EXPECT_EQ(recording.kind(BlockCount(1'000'000)), RecordingKind::boot)
      << "1 % of an image in order may be a boot";
}

TEST(BootRecording, copy_that_fills_the_recording_is_told_by_its_order) {
  BootRecording recording;
  for (int i = 0; i < 3000; ++i)
    recording.add(Touches{touch(static_cast<std::uint64_t>(32 * i), 32, i)});
  recording.resolve(known);
  EXPECT_TRUE(recording.is_over(milliseconds(3000)));
  EXPECT_EQ(recording.blocks(), fetcher::max_profile_entries);
  EXPECT_EQ(recording.kind(BlockCount(10'000'000)), RecordingKind::copy);
}

TEST(BootRecording, boot_that_reads_most_of_a_small_image_is_a_boot) {
  BootRecording recording;
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i)
    recording.add(Touches{touch(random() % 20'000, 8, i)});
  recording.resolve(known);
  EXPECT_EQ(recording.kind(BlockCount(20'000)), RecordingKind::boot);
}

}  // namespace
}  // namespace weft::fs
