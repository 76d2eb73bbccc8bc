// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/comparison.h"

#include "tests/support/indexer/random_signature.h"

#include <gtest/gtest.h>

#include <random>

namespace weft {
namespace {

constexpr ByteCount plenty(std::uint64_t{64} << 20);

TEST(Comparison, sampled_signature_leaves_pairs_of_full_ones_exact) {
  std::mt19937_64 random(1);
  const test::Keys common = test::random_keys(random, 5000);
  const auto image = [&](std::uint32_t number) {
    return test::full_signature(test::merged(common, test::random_keys(random, 1000)),
                                test::image_number(number));
  };
  Comparison comparison(plenty);
  ASSERT_TRUE(comparison.add(image(1)));
  ASSERT_TRUE(comparison.add(sampled(image(2), 500)));
  ASSERT_TRUE(comparison.add(image(3)));

  EXPECT_TRUE(comparison.shared(0, 2).is_exact());
  EXPECT_EQ(comparison.shared(0, 2).blocks, 5000);
  EXPECT_TRUE(comparison.is_full(2));
  EXPECT_FALSE(comparison.is_full(1));
  const Overlap estimated = comparison.shared(2, 1);
  EXPECT_FALSE(estimated.is_exact());
  EXPECT_NEAR(estimated.blocks, 5000, 3 * estimated.standard_error);
  EXPECT_GT(estimated.standard_error, 0);
  EXPECT_EQ(comparison.unique_blocks(1), BlockCount(6000));
}

TEST(Comparison, image_shares_all_with_itself_even_if_sampled) {
  std::mt19937_64 random(2);
  Comparison comparison(plenty);
  ASSERT_TRUE(comparison.add(
      sampled(test::full_signature(test::random_keys(random, 3000), test::image_number(1)), 100)));
  EXPECT_DOUBLE_EQ(comparison.shared(0, 0).blocks, 3000);
}

TEST(Comparison, beyond_the_memory_everything_is_an_estimate) {
  std::mt19937_64 random(3);
  Comparison comparison(ByteCount(100'000));
  for (std::uint32_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(comparison.add(
        test::full_signature(test::random_keys(random, 5000), test::image_number(i))));
  }
  EXPECT_FALSE(comparison.shared(0, 1).is_exact());
  EXPECT_EQ(comparison.size(), 4u);
}

}  // namespace
}  // namespace weft
