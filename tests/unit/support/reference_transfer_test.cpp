// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/reference_transfer.h"

#include "indexer/core/hash.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace weft::testing {
namespace {

class Reference : public ::testing::Test {
 protected:
  ImageContent drawn(std::string_view name, std::string_view picture, std::uint64_t cut = 0) {
    const ByteCount size(cut == 0 ? 0 : picture.size() * block_size - cut);
    test::write_raw(directory_ / name, picture, size);
    return content_of(directory_ / name);
  }
  ImageContent random(std::string_view name, std::uint64_t blocks, std::uint64_t seed) {
    test::write_file(directory_ / name, test::random_blocks(BlockCount(blocks), seed));
    return content_of(directory_ / name);
  }
  test::TempDirectory directory_;
};

// What zstd adds to bytes it cannot compress, in one frame with the size of its content: magic
// number (4), descriptor (1), content size (2 below 64 KiB + 256, else 4), block header (3).
constexpr std::uint64_t full_frame = 32 * 4096 + 12;
constexpr std::uint64_t one_block_frame = 4096 + 10;

TEST_F(Reference, zero_blocks_count_for_nothing_whether_written_or_not) {
  const auto content = drawn("a", "a.0b..0");
  EXPECT_EQ(content.blocks.size(), 2u);
  const ReferenceTransfer all = reference_transfer(content, {});
  EXPECT_EQ(all.blocks, 2u);
  const auto empty = drawn("b", "..00");
  EXPECT_EQ(reference_transfer(empty, {}).bytes(), 0u);
}

TEST_F(Reference, equal_blocks_count_once) {
  const auto content = drawn("a", "abacab");
  EXPECT_EQ(content.blocks.size(), 6u);
  EXPECT_EQ(content.unique.size(), 3u);
  EXPECT_EQ(reference_transfer(content, {}).blocks, 3u);
}

TEST_F(Reference, blocks_are_named_as_the_project_names_them) {
  const auto content = drawn("a", "x", 1000);
  std::array<std::byte, block_size> padded = test::block_of('x');
  std::fill(padded.end() - 1000, padded.end(), std::byte{0});
  ASSERT_EQ(content.blocks.size(), 1u);
  EXPECT_EQ(content.blocks[0], sha256(padded)) << "the last block is padded with zeros";
}

TEST_F(Reference, incompressible_blocks_cost_their_size_a_frame_for_32_and_a_digest_each) {
  const auto content = random("a", 33, 1);
  const ReferenceTransfer reference = reference_transfer(content, {});
  EXPECT_EQ(reference.blocks, 33u);
  EXPECT_EQ(reference.packed, full_frame + one_block_frame);
  EXPECT_EQ(reference.bytes(), full_frame + one_block_frame + 33 * 32);
}

TEST_F(Reference, what_any_local_image_has_is_not_missing) {
  const auto target = drawn("t", "abcdef..");
  const auto one = drawn("one", "fa");
  const auto two = drawn("two", "..c.xyz");
  const std::array<const ImageContent*, 2> both{&one, &two};
  EXPECT_EQ(reference_transfer(target, both).blocks, 3u);
  EXPECT_EQ(reference_transfer(target, std::span(both).first(1)).blocks, 4u);
  EXPECT_EQ(shared_blocks(target, one), 2u);
  EXPECT_EQ(shared_blocks(one, two), 0u);
  const std::array<const ImageContent*, 1> itself{&target};
  EXPECT_EQ(reference_transfer(target, itself).bytes(), 0u);
}

TEST_F(Reference, frames_hold_missing_blocks_only_however_far_apart) {
  auto bytes = test::random_blocks(BlockCount(64), 7);
  test::write_file(directory_ / "t", bytes);
  for (std::size_t block = 0; block < 64; block += 2)  // the relative lacks every other one
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(block * block_size), block_size,
                std::byte{1});
  test::write_file(directory_ / "r", bytes);
  const auto target = content_of(directory_ / "t");
  const auto relative = content_of(directory_ / "r");
  const std::array<const ImageContent*, 1> local{&relative};
  EXPECT_EQ(reference_transfer(target, local).packed, full_frame);
}

TEST_F(Reference, a_whole_copy_of_nothing_but_holes_is_next_to_nothing) {
  test::write_raw(directory_ / "holes", std::string(2000, '.'));
  EXPECT_LT(whole_copy(directory_ / "holes"), 2000u);
  const auto noise = random("noise", 512, 3);
  const std::uint64_t copied = whole_copy(noise.file);
  EXPECT_GT(copied, 512u * 4096);
  EXPECT_LT(copied, 512u * 4096 + 512);
}

TEST_F(Reference, a_file_that_is_not_there_is_an_error) {
  EXPECT_THROW(static_cast<void>(content_of(directory_ / "none")), std::runtime_error);
}

}  // namespace
}  // namespace weft::testing
