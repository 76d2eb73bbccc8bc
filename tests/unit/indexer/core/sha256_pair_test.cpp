// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/sha256_pair.h"

#include "indexer/core/hash.h"
#include "tests/support/indexer/raw_image.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

TEST(Sha256Pair, both_digests_are_those_of_the_single_messages) {
  for (const std::size_t length : {0u, 64u, 128u, 4096u, 65536u}) {
    std::vector<std::byte> a(length);
    std::vector<std::byte> b(length);
    test::fill_random(a, length);
    test::fill_random(b, length + 1);
    Digest digest_a;
    Digest digest_b;
    sha256_pair(a, b, digest_a, digest_b);
    EXPECT_EQ(digest_a, sha256(a)) << length;
    EXPECT_EQ(digest_b, sha256(b)) << length;
  }
}

TEST(Sha256Pair, messages_need_no_alignment) {
  const auto bytes = test::random_blocks(BlockCount(3), 1);
  const auto a = std::span(bytes).subspan(1, 4096);
  const auto b = std::span(bytes).subspan(4111, 4096);
  Digest digest_a;
  Digest digest_b;
  sha256_pair(a, b, digest_a, digest_b);
  EXPECT_EQ(digest_a, sha256(a));
  EXPECT_EQ(digest_b, sha256(b));
}

}  // namespace
}  // namespace weft
