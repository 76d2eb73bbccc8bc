// SPDX-License-Identifier: Apache-2.0
#include "fs/read/loose_overlay.h"

#include "tests/support/fs/memory_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace weft::fs {
namespace {

using testing::MemoryImage;

fetcher::LooseBlock loose_block(const MemoryImage& image, std::uint64_t index) {
  auto bytes = std::make_shared<NodeBytes>();
  std::memcpy(bytes->data(), image.content().data() + index * block_size, block_size);
  return {BlockIndex(index), std::move(bytes)};
}

TEST(LooseOverlay, any_mix_of_loose_and_resident_blocks_gives_the_content) {
  MemoryImage image(testing::make_content(40 * block_size, 3));
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<fetcher::LooseBlock> loose;
    image.lose(image.all());
    for (std::uint64_t b = 0; b < 40; ++b) {
      if (random() % 2 == 0) {
        loose.push_back(loose_block(image, b));
      } else {
        image.make_resident({BlockIndex(b), BlockCount(1)});
      }
    }
    std::ranges::shuffle(loose, random);
    const std::size_t offset = random() % (39 * block_size);
    std::vector<std::byte> out(1 + random() % (40 * block_size - offset));
    ASSERT_TRUE(read_with_loose(image, loose, ByteOffset(offset), out));
    ASSERT_TRUE(std::ranges::equal(out, image.content().subspan(offset, out.size())));
  }
}

TEST(LooseOverlay, block_that_is_neither_loose_nor_resident_is_an_error) {
  MemoryImage image(testing::make_content(3 * block_size, 3));
  const std::vector loose{loose_block(image, 0), loose_block(image, 2)};
  std::vector<std::byte> out(3 * block_size);
  const auto result = read_with_loose(image, loose, ByteOffset(0), out);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Errc::not_resident));
}

}  // namespace
}  // namespace weft::fs
