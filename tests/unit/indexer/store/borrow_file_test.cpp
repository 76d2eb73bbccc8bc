// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_file.h"

#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <vector>

namespace weft {
namespace {

class BorrowFileTest : public testing::Test {
 protected:
  static constexpr ImageId image{{7}};
  static constexpr BlockCount blocks{100'000};

  BorrowFile open(const ImageId& of = image) {
    return BorrowFile::open(posix_file_system().open(path_, OpenMode::create).value(), of).value();
  }
  static std::vector<BorrowRecord> records(std::uint64_t count) {
    std::vector<BorrowRecord> made;
    for (std::uint64_t i = 0; i < count; ++i)
      made.push_back({{BlockIndex(i), BlockCount(1)}, ImageId{{9}}, BlockIndex(i * 3)});
    return made;
  }
  static std::vector<BorrowRecord> all_of(const BorrowFile& file,
                                          BlockCount image_blocks = blocks) {
    std::vector<BorrowRecord> all;
    for (std::uint64_t at = 0; at < file.records(); at += BorrowFile::batch) {
      const auto some = file.read(at, image_blocks);
      EXPECT_TRUE(some && some->size() <= BorrowFile::batch);
      all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }

  test::TempDirectory dir_;
  const std::filesystem::path path_ = dir_ / "borrow";
};

TEST_F(BorrowFileTest, more_records_than_a_batch_come_back_in_order) {
  const auto written = records(2 * BorrowFile::batch + 5);
  ASSERT_TRUE(open().append(written));
  EXPECT_EQ(all_of(open()), written);
  const auto few_blocks = all_of(open(), BlockCount(BorrowFile::batch + 7));
  EXPECT_EQ(few_blocks.size(), BorrowFile::batch + 7) << "records beyond the image are none";
}

TEST_F(BorrowFileTest, torn_record_at_the_end_is_written_over) {
  ASSERT_TRUE(open().append(records(3)));
  std::filesystem::resize_file(path_, BorrowHeader::size + 2 * BorrowRecord::size + 17);
  BorrowFile file = open();
  EXPECT_EQ(file.records(), 2u);
  const BorrowRecord last{{BlockIndex(50), BlockCount(2)}, ImageId{{8}}, BlockIndex(1)};
  ASSERT_TRUE(file.append(std::array{last}));
  auto expected = records(2);
  expected.push_back(last);
  EXPECT_EQ(all_of(open()), expected);
}

TEST_F(BorrowFileTest, file_of_another_image_or_of_garbage_is_made_anew) {
  ASSERT_TRUE(open().append(records(3)));
  EXPECT_EQ(open(ImageId{{6}}).records(), 0u);
  EXPECT_EQ(std::filesystem::file_size(path_), BorrowHeader::size);
}

}  // namespace
}  // namespace weft
