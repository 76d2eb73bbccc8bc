// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/digest_lookup.h"

#include "tests/support/fetcher/memory_store.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

TEST(DigestLookup, digests_come_in_the_order_asked) {
  MemoryImage image(mixed_content(300));
  const LooseTree loose;
  const std::vector ranges{blocks(200, 2), blocks(5, 1)};
  const auto digests = digests_of(image, loose, ranges);
  ASSERT_TRUE(digests);
  EXPECT_EQ(*digests,
            (std::vector{*image.block_digest(BlockIndex(200)), *image.block_digest(BlockIndex(201)),
                         *image.block_digest(BlockIndex(5))}));
}

TEST(DigestLookup, an_unknown_leaf_is_an_error_for_a_request_and_left_out_of_a_query) {
  MemoryImage image(mixed_content(300));
  image.drop_node({1, 1});
  const LooseTree loose;
  const std::vector ranges{blocks(126, 4)};
  EXPECT_FALSE(digests_of(image, loose, ranges));
  const HaveKeys keys = have_keys(image, loose, ranges);
  EXPECT_EQ(keys.blocks.size(), 2U);  // 126 and 127
}

TEST(DigestLookup, keys_ascend_and_lead_back_to_their_blocks) {
  std::vector<std::byte> content = mixed_content(20);
  const auto block = [&](std::size_t i) {
    return std::span(content).subspan(i * block_size, block_size);
  };
  std::ranges::copy(block(3), block(9).begin());  // a twin
  MemoryImage image(content);
  const LooseTree loose;
  const std::vector ranges{blocks(0, 20)};
  const HaveKeys keys = have_keys(image, loose, ranges);
  EXPECT_EQ(keys.keys.size(), 14U) << "five are zero and two are one";
  EXPECT_TRUE(std::ranges::is_sorted(keys.keys, std::ranges::less_equal{}));
  EXPECT_TRUE(std::ranges::all_of(keys.keys, [](auto key) { return key < 1ULL << 40U; }));
  std::vector<bool> answer(keys.keys.size(), false);
  const Digest digest = *image.block_digest(BlockIndex(3));
  std::uint64_t key = 0;
  for (int i = 0; i < 5; ++i)
    key = key << 8U | digest.bytes.at(static_cast<std::size_t>(i));
  const auto at = std::ranges::find(keys.keys, key);
  ASSERT_NE(at, keys.keys.end());
  answer[static_cast<std::size_t>(at - keys.keys.begin())] = true;
  EXPECT_EQ(held_blocks(keys, answer), (std::vector{blocks(3, 1), blocks(9, 1)}));
}

TEST(DigestLookup, a_short_answer_means_no_for_the_rest) {
  MemoryImage image(mixed_content(20));
  const LooseTree loose;
  const HaveKeys keys = have_keys(image, loose, std::vector{blocks(0, 20)});
  EXPECT_TRUE(held_blocks(keys, {}).empty());
}

TEST(DigestLookup, positions_lead_back_to_blocks_in_the_order_of_the_answer) {
  const std::vector asked{blocks(10, 3), blocks(20, 1), blocks(30, 4)};
  EXPECT_EQ(blocks_at(asked, std::vector{blocks(0, 8)}), asked);
  EXPECT_EQ(blocks_at(asked, std::vector{blocks(5, 2), blocks(2, 2)}),
            (std::vector{blocks(31, 2), blocks(12, 1), blocks(20, 1)}));
  EXPECT_TRUE(blocks_at(asked, std::vector{blocks(8, 5)}).empty());
  EXPECT_TRUE(blocks_at({}, std::vector{blocks(0, 1)}).empty());
}

}  // namespace
}  // namespace weft::fetcher::testing
