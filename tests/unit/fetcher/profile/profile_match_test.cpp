// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_match.h"

#include "tests/support/fetcher/boots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

using weft::test::full_signature;
using weft::test::Keys;

TEST(PartHeld, is_exact_against_a_full_signature) {
  const auto keys = keys_of(test::boot({{9, 0}, {1, 1}, {5, 2}, {7, 3}}));
  EXPECT_THAT(keys, testing::ElementsAre(1, 5, 7, 9));
  EXPECT_EQ(part_held(keys, full_signature({1, 2, 3, 7})), 0.5);
  EXPECT_EQ(part_held(keys, full_signature({2})), 0.0);
  EXPECT_EQ(part_held(keys, full_signature({1, 5, 7, 9, 11})), 1.0);
}

TEST(PartHeld, is_estimated_from_the_keys_that_a_sample_covers) {
  std::mt19937_64 random(3);
  const Keys ours = weft::test::random_keys(random, 16'000);
  Keys theirs = weft::test::random_keys(random, 40'000);
  for (std::size_t i = 0; i < ours.size(); i += 4)
    theirs.push_back(ours[i]);
  const auto held = part_held(ours, sampled(full_signature(weft::test::sorted(theirs)), 4096));
  ASSERT_TRUE(held);
  EXPECT_NEAR(*held, 0.25, 0.05);
}

TEST(PartHeld, is_unknown_if_a_sample_covers_few_of_the_keys) {
  Signature signature = full_signature({1, 2, 3});
  signature.shift = 40;
  EXPECT_EQ(part_held(Keys{1, 2, 3, ~std::uint64_t{0}}, signature), std::nullopt);
}

}  // namespace
}  // namespace weft::fetcher
