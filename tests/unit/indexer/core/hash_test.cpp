// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"

#include "indexer/core/units.h"
#include "tests/support/indexer/raw_image.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weft {
namespace {

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// FIPS 180-4 examples (NIST CSRC).
TEST(Sha256, known_vectors) {
  struct Row {
    std::string text;
    const char* hex;
  };
  const Row rows[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(to_hex(sha256(bytes_of_text(row.text))), row.hex) << row.text.size();
}

TEST(Sha256, parts_hash_as_their_concatenation) {
  EXPECT_EQ(sha256({bytes_of_text("a"), bytes_of_text(""), bytes_of_text("bc")}),
            sha256(bytes_of_text("abc")));
}

TEST(DigestOfBlock, zero_block_has_the_zero_digest) {
  EXPECT_TRUE(digest_of_block(std::vector<std::byte>(block_size)).is_zero());
}

TEST(DigestOfBlock, one_set_bit_anywhere_makes_it_a_hash) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{block_size - 1}}) {
    std::vector<std::byte> block(block_size);
    block[at] = std::byte{1};
    EXPECT_EQ(digest_of_block(block), sha256(block)) << at;
    EXPECT_FALSE(digest_of_block(block).is_zero());
  }
}

TEST(DigestsOfBlocks, are_those_of_the_single_blocks) {
  // Every mix of zero and data blocks over five: pairs are hashed together, zeros left out.
  for (unsigned mask = 0; mask < 32; ++mask) {
    auto blocks = test::random_blocks(BlockCount(5), mask);
    for (unsigned i = 0; i < 5; ++i)
      if ((mask >> i & 1) == 0)
        std::fill_n(blocks.begin() + static_cast<std::ptrdiff_t>(i * block_size), block_size,
                    std::byte{0});
    std::vector<Digest> digests(5, Digest::from(sha256({}).view()));
    digests_of_blocks(blocks, digests);
    for (unsigned i = 0; i < 5; ++i)
      EXPECT_EQ(digests[i], digest_of_block(std::span(blocks).subspan(i * block_size, block_size)))
          << mask << " block " << i;
  }
}

TEST(DigestsOfBlocks, threads_do_not_disturb_each_other) {
  const auto blocks = test::random_blocks(BlockCount(64), 1);
  std::vector<Digest> expected(64);
  digests_of_blocks(blocks, expected);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<Digest> digests(64);
      for (int round = 0; round < 20; ++round) {
        digests_of_blocks(blocks, digests);
        ASSERT_EQ(digests, expected);
      }
    });
}

// Reference values of XXH3_64bits, seed 0 (the values that `xxhsum -H3` prints).
TEST(Xxh3, known_vectors) {
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2u);
  EXPECT_EQ(xxh3(bytes_of_text("abc")), 0x78af5f94892f3950u);
  EXPECT_EQ(xxh3(std::vector<std::byte>(block_size)), 0x93d76fe148c689bau);
}

TEST(IsAllZero, sees_a_byte_at_any_place_and_length) {
  for (const std::size_t size : {1u, 2u, 7u, 64u, 4096u}) {
    std::vector<std::byte> bytes(size);
    EXPECT_TRUE(is_all_zero(bytes)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      bytes[at] = std::byte{0x80};
      ASSERT_FALSE(is_all_zero(bytes)) << at << " of " << size;
      bytes[at] = std::byte{0};
    }
  }
  EXPECT_TRUE(is_all_zero({}));
}

}  // namespace
}  // namespace weft
