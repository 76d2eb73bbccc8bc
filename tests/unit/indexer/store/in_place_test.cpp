// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

using test::SampleImage;

class InPlace : public test::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    test::write_file(source_, sample_.bytes);
    ASSERT_TRUE(import(sample_, "disk", PackKind::in_place, source_));
  }
  void spoil(std::uint64_t block) {
    auto file = posix_file_system().open(source_, OpenMode::read_write).value();
    ASSERT_TRUE(file->write_at(ByteOffset(block * block_size + 77), std::array{std::byte{0x5a}}));
  }
  static bool is_lost(LocalImage& image, std::uint64_t block) {
    std::vector<std::byte> out(block_size);
    const auto read = image.read(ByteOffset(block * block_size), out);
    return !read && read.error().is(Errc::not_resident);
  }

  const SampleImage sample_ = SampleImage::picture("ab.cde");
  const std::filesystem::path source_ = dir_ / "disk.raw";
};

TEST_F(InPlace, block_its_owner_changes_is_lost_even_after_it_was_read) {
  const auto local = image(sample_);
  EXPECT_TRUE(reads_as(*local, sample_));
  const auto before = local->generation();
  spoil(1);
  EXPECT_TRUE(is_lost(*local, 1));
  EXPECT_EQ(residency(*local), "#.####");
  EXPECT_EQ(local->lost_blocks(), BlockCount(1));
  EXPECT_GT(local->generation(), before);
  EXPECT_FALSE(local->usage().complete);
}

TEST_F(InPlace, zero_block_its_owner_overwrites_still_reads_as_zeros) {
  const auto local = image(sample_);
  spoil(2);
  EXPECT_TRUE(reads_as(*local, sample_));
  EXPECT_TRUE(local->usage().complete);
  EXPECT_EQ(local->usage().zero, BlockCount(1));
}

TEST_F(InPlace, lost_block_is_fetched_into_the_own_pack_and_the_source_is_left_alone) {
  spoil(1);
  const auto spoiled = test::read_file(source_);
  auto local = image(sample_);
  ASSERT_TRUE(is_lost(*local, 1));
  ASSERT_TRUE(sample_.send_blocks(*local, 1, 1));
  EXPECT_TRUE(reads_as(*local, sample_));
  local.reset();
  reopen();
  local = image(sample_);
  EXPECT_TRUE(reads_as(*local, sample_)) << "the fetched block comes before the source";
  EXPECT_TRUE(local->usage().complete);
  EXPECT_EQ(test::read_file(source_), spoiled);
}

TEST_F(InPlace, blocks_of_a_shrunk_source_are_lost_not_zero) {
  const auto local = image(sample_);
  std::filesystem::resize_file(source_, 3 * block_size + 10);
  EXPECT_TRUE(is_lost(*local, 3));
  EXPECT_TRUE(is_lost(*local, 4));
  EXPECT_TRUE(is_lost(*local, 5));
  EXPECT_EQ(residency(*local), "###...");
}

TEST_F(InPlace, blocks_of_a_missing_source_are_lost_and_zero_ones_are_not) {
  std::filesystem::remove(source_);
  reopen();
  const auto local = image(sample_);
  EXPECT_EQ(residency(*local), "..#...");
  EXPECT_EQ(local->lost_blocks(), BlockCount(5));
  EXPECT_FALSE(local->usage().complete);
  ASSERT_TRUE(sample_.send_blocks(*local, 0, 6));
  EXPECT_TRUE(reads_as(*local, sample_));
}

TEST_F(InPlace, source_that_is_no_multiple_of_the_block_size_reads_to_its_end) {
  auto content = sample_.bytes;
  content.resize(content.size() - 100);
  const SampleImage odd(content);
  test::write_file(dir_ / "odd.raw", content);
  ASSERT_TRUE(import(odd, "odd", PackKind::in_place, dir_ / "odd.raw"));
  EXPECT_TRUE(reads_as(*image(odd), odd));
}

}  // namespace
}  // namespace weft
