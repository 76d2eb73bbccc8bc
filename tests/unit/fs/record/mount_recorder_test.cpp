// SPDX-License-Identifier: Apache-2.0
#include "fs/record/mount_recorder.h"

#include "tests/support/fetcher/memory_profiles.h"
#include "tests/support/fs/memory_image.h"

#include <gtest/gtest.h>

#include <memory>

namespace weft::fs {
namespace {

using fetcher::testing::MemoryProfiles;
using std::chrono::seconds;
using testing::MemoryImage;

constexpr TimePoint begin{std::chrono::hours(5)};

class MountRecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<MountRecorder> recorder(bool at_once = true) {
    return std::make_unique<MountRecorder>(image_, "web", &profiles_, at_once);
  }
  /// Reads 300 blocks, far from each other, one each second.
  static void boot(MountRecorder& recorder) {
    for (int i = 0; i < 300; ++i) {
      const auto block = static_cast<std::uint64_t>(i) * 7001 % 4999;
      recorder.touches().note({BlockIndex(block), BlockCount(1)}, begin + seconds(i));
    }
  }
  [[nodiscard]] const fetcher::BootProfile* kept() const {
    const auto found = profiles_.own.find(image_->info().id);
    return found == profiles_.own.end() ? nullptr : &found->second;
  }

  std::shared_ptr<MemoryImage> image_ =
      std::make_shared<MemoryImage>(weft::testing::make_content(5000 * 4096, 1));
  MemoryProfiles profiles_;
};

TEST_F(MountRecorderTest, boot_is_kept_when_the_guest_has_come_to_rest) {
  const auto recorder = this->recorder();
  EXPECT_TRUE(recorder->recording());
  boot(*recorder);
  recorder->tick(begin + seconds(328), false);
  EXPECT_EQ(kept(), nullptr);
  EXPECT_GE(recorder->status().blocks, 256u);
  recorder->tick(begin + seconds(330), false);
  ASSERT_NE(kept(), nullptr);
  EXPECT_EQ(kept()->entries.back().at, seconds(299));
  EXPECT_FALSE(recorder->recording()) << "reads go their way again";
  EXPECT_FALSE(recorder->status().recording);
}

TEST_F(MountRecorderTest, guest_that_waits_for_a_block_is_not_at_rest) {
  const auto recorder = this->recorder();
  boot(*recorder);
  recorder->tick(begin + seconds(400), true);
  recorder->tick(begin + seconds(401), false);
  EXPECT_EQ(kept(), nullptr);
  recorder->tick(begin + seconds(430), false);
  EXPECT_NE(kept(), nullptr);
}

TEST_F(MountRecorderTest, mount_that_nobody_reads_records_nothing_and_waits) {
  const auto recorder = this->recorder();
  recorder->tick(begin + std::chrono::hours(50), false);
  EXPECT_TRUE(recorder->recording());
  recorder->finish();
  EXPECT_EQ(kept(), nullptr);
}

TEST_F(MountRecorderTest, boot_is_kept_when_the_mount_ends) {
  const auto recorder = this->recorder();
  boot(*recorder);
  recorder->finish();
  EXPECT_NE(kept(), nullptr);
}

TEST_F(MountRecorderTest, what_is_dropped_without_an_end_is_not_kept) {
  boot(*recorder());
  EXPECT_EQ(kept(), nullptr) << "a successor serves the mount";
}

TEST_F(MountRecorderTest, guest_that_was_taken_over_is_not_recorded_by_itself) {
  const auto recorder = this->recorder(false);
  EXPECT_FALSE(recorder->recording());
  boot(*recorder);
  recorder->finish();
  EXPECT_EQ(kept(), nullptr);
}

TEST_F(MountRecorderTest, recording_by_hand_outlasts_rest_but_not_half_an_hour) {
  const auto recorder = this->recorder(false);
  ASSERT_TRUE(recorder->start());
  boot(*recorder);
  recorder->tick(begin + std::chrono::minutes(20), false);
  EXPECT_TRUE(recorder->status().by_hand);
  recorder->tick(begin + std::chrono::minutes(35), false);
  EXPECT_FALSE(recorder->recording());
  EXPECT_NE(kept(), nullptr);
}

TEST_F(MountRecorderTest, complete_image_is_recorded_until_a_boot_of_it_is_known) {
  image_->make_resident(image_->all());
  const auto first = recorder();
  EXPECT_TRUE(first->recording());
  boot(*first);
  first->finish();
  ASSERT_NE(kept(), nullptr);
  EXPECT_FALSE(recorder()->recording());
  image_->lose({BlockIndex(7), BlockCount(1)});
  EXPECT_TRUE(recorder()->recording());
}

TEST_F(MountRecorderTest, without_a_keeper_nothing_is_recorded) {
  MountRecorder recorder(image_, "web", nullptr, true);
  EXPECT_FALSE(recorder.recording());
  const auto refused = recorder.start();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::unsupported));
}

}  // namespace
}  // namespace weft::fs
