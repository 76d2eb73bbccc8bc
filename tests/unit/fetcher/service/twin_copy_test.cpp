// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/twin_copy.h"

#include "tests/support/fetcher/memory_store.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

/// Blocks 10 … 13 are those of 1 … 4.
std::vector<std::byte> content_with_twins() {
  std::vector<std::byte> content = mixed_content(20);
  const std::span<std::byte> all(content);
  std::ranges::copy(all.subspan(1 * block_size, 4 * block_size),
                    all.subspan(10 * block_size).begin());
  return content;
}

TEST(TwinCopy, copies_content_that_is_right) {
  const auto image = std::make_shared<MemoryImage>(content_with_twins());
  image->drop(blocks(10, 2));
  const CopiedTwins copied = copy_twins(
      *image, {{image, BlockIndex(1), BlockIndex(10)}, {image, BlockIndex(2), BlockIndex(11)}});
  EXPECT_EQ(copied.readable, std::vector{blocks(10, 2)});
  EXPECT_EQ(copied.copied, BlockCount(2));
  EXPECT_EQ(copied.joined, BlockCount(0));
  EXPECT_TRUE(image->readable(blocks(0, 20)));
}

TEST(TwinCopy, content_that_is_not_the_twins_never_lands) {
  const auto image = std::make_shared<MemoryImage>(content_with_twins());
  image->drop(blocks(10, 1));
  const CopiedTwins copied = copy_twins(*image, {{image, BlockIndex(2), BlockIndex(10)}});
  EXPECT_EQ(copied.failed, std::vector{blocks(10, 1)});
  EXPECT_FALSE(image->readable(blocks(10, 1)));
}

TEST(TwinCopy, a_first_that_is_gone_or_damaged_fails_its_twin_only) {
  const auto image = std::make_shared<MemoryImage>(content_with_twins());
  image->drop(blocks(10, 3));
  image->damage(BlockIndex(2));
  const CopiedTwins copied = copy_twins(*image, {{nullptr, BlockIndex(1), BlockIndex(10)},
                                                 {image, BlockIndex(2), BlockIndex(11)},
                                                 {image, BlockIndex(3), BlockIndex(12)}});
  EXPECT_EQ(copied.failed, std::vector{blocks(10, 2)});
  EXPECT_EQ(copied.readable, std::vector{blocks(12, 1)});
}

TEST(TwinCopy, blocks_of_another_image_count_as_joined) {
  const auto from = std::make_shared<MemoryImage>(content_with_twins());
  MemoryImage to(content_with_twins());
  to.drop(blocks(5, 1));
  const CopiedTwins copied = copy_twins(to, {{from, BlockIndex(5), BlockIndex(5)}});
  EXPECT_EQ(copied.joined, BlockCount(1));
  EXPECT_TRUE(to.readable(blocks(5, 1)));
}

}  // namespace
}  // namespace weft::fetcher::testing
