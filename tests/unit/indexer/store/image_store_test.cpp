// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

using test::SampleImage;

class ImageStore : public test::StoreFixture {};

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

TEST_F(ImageStore, block_is_readable_only_after_its_commit) {
  const auto sample = SampleImage::picture("ab.c");
  const auto image = adopt(sample);
  EXPECT_FALSE(image->readable({BlockIndex(0), BlockCount(1)}));
  ASSERT_TRUE(sample.send_tree(*image));
  EXPECT_FALSE(image->readable({BlockIndex(0), BlockCount(1)}));
  EXPECT_TRUE(image->readable({BlockIndex(2), BlockCount(1)})) << "zero by the tree";
  ASSERT_TRUE(sample.send_blocks(*image, 0, 2));
  EXPECT_TRUE(image->readable({BlockIndex(0), BlockCount(3)}));
  EXPECT_EQ(image->next_missing({BlockIndex(0), BlockCount(4)}),
            (BlockRange{BlockIndex(3), BlockCount(1)}));
  EXPECT_TRUE(same(read(*image, 0, 3 * block_size), sample.block(0, 3)));
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(image->read(ByteOffset(3 * block_size), out).error().is(Errc::not_resident));
}

TEST_F(ImageStore, wrong_bytes_are_refused_and_those_before_them_kept) {
  const auto sample = SampleImage::picture("abc");
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  auto bytes = sample.bytes;
  bytes[block_size + 7] ^= std::byte{1};
  const auto committed = image->commit({BlockIndex(0), BlockCount(3)}, bytes);
  EXPECT_TRUE(committed.error().is(Errc::digest_mismatch));
  EXPECT_EQ(committed.error().detail, "block 1");
  EXPECT_TRUE(image->readable({BlockIndex(0), BlockCount(1)}));
  EXPECT_FALSE(image->readable({BlockIndex(1), BlockCount(1)}));
  EXPECT_FALSE(image->readable({BlockIndex(2), BlockCount(1)}));
}

TEST_F(ImageStore, reads_at_any_offset_and_past_the_end_give_the_image_and_zeros) {
  auto content = SampleImage::picture("ab.c").bytes;
  content.resize(content.size() - 1000);
  const SampleImage sample(content);
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  ASSERT_TRUE(sample.send_blocks(*image, 0, 4));
  auto padded = sample.bytes;
  padded.resize(8 * block_size);
  for (const std::size_t offset : {0u, 1u, 4095u, 4096u, 5000u, 12288u, 16000u}) {
    for (const std::size_t size : {1u, 511u, 4096u, 4097u, 9000u, 16384u}) {
      EXPECT_TRUE(same(read(*image, offset, size), std::span(padded).subspan(offset, size)))
          << offset << " " << size;
    }
  }
}

TEST_F(ImageStore, what_was_committed_is_there_after_reopening) {
  const auto sample = SampleImage::picture("abcdefgh..ij");
  {
    const auto image = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*image));
    ASSERT_TRUE(sample.send_blocks(*image, 2, 4));
  }
  reopen();
  const auto image = store_->image(sample.info.id);
  ASSERT_TRUE(image);
  EXPECT_EQ((*image)->next_missing({BlockIndex(2), BlockCount(10)}),
            (BlockRange{BlockIndex(6), BlockCount(2)}));
  EXPECT_TRUE((*image)->readable({BlockIndex(8), BlockCount(2)}));
  EXPECT_TRUE(same(read(**image, 2 * block_size, 4 * block_size), sample.block(2, 4)));
}

TEST_F(ImageStore, image_becomes_complete_with_its_last_block) {
  const auto sample = SampleImage::picture("ab.d");
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  ASSERT_TRUE(sample.send_blocks(*image, 0, 2));
  EXPECT_FALSE(image->usage().complete);
  ASSERT_TRUE(sample.send_blocks(*image, 3, 1));
  const auto before = image->usage();
  EXPECT_TRUE(before.complete);
  EXPECT_EQ(before.zero, BlockCount(1));
  EXPECT_EQ(before.resident, BlockCount(3));
  ASSERT_TRUE(image->flush());
}

TEST_F(ImageStore, complete_image_counts_the_same_after_reopening) {
  const auto sample = SampleImage::picture("ab.d");
  {
    const auto image = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*image));
    ASSERT_TRUE(sample.send_blocks(*image, 0, 4));
  }
  reopen();
  const auto image = store_->image(sample.info.id);
  ASSERT_TRUE(image);
  const auto usage = (*image)->usage();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.zero, BlockCount(1));
  EXPECT_EQ(usage.resident, BlockCount(3));
  EXPECT_TRUE(same(read(**image, 0, 4 * block_size), sample.bytes));
}

}  // namespace
}  // namespace weft
