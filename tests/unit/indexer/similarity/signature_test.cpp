// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/signature.h"

#include "tests/support/indexer/random_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace weft {
namespace {

using test::full_signature;
using test::random_keys;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t top = std::uint64_t{1} << 63;

TEST(Signature, keys_below_the_threshold_of_a_shift_are_kept) {
  const Signature full = full_signature({1, top >> 1, (top >> 1) + 5, top - 1, top, ~0ull});
  EXPECT_THAT(at_shift(full, 0).keys, testing::SizeIs(6));
  EXPECT_THAT(at_shift(full, 1).keys, ElementsAre(1, top >> 1, (top >> 1) + 5, top - 1));
  EXPECT_THAT(at_shift(full, 2).keys, ElementsAre(1));
  EXPECT_EQ(at_shift(full, 2).unique_blocks, BlockCount(6));
  EXPECT_TRUE(is_valid(at_shift(full, 2)));
}

TEST(Signature, sampling_stops_at_the_lowest_shift_that_fits) {
  std::mt19937_64 random(1);
  const Signature full = full_signature(random_keys(random, 5000));
  EXPECT_EQ(sampled(full, 5000), full);
  const Signature some = sampled(full, 1000);
  EXPECT_LE(some.keys.size(), 1000u);
  EXPECT_GT(at_shift(full, some.shift - 1).keys.size(), 1000u);
  EXPECT_EQ(sampled(some, 1000), some);
  EXPECT_EQ(sampled(full, 100), sampled(some, 100));
}

TEST(Signature, keys_that_are_no_digests_do_not_pass_the_bound) {
  const Signature dense = full_signature({0, 1, 2, 3, 4, 5});
  EXPECT_THAT(sampled(dense, 2).keys, ElementsAre(0, 1));
  EXPECT_THAT(sampled(dense, 0).keys, IsEmpty());
}

TEST(Signature, validity_is_order_range_and_count) {
  Signature signature = full_signature({1, 2, 3});
  EXPECT_TRUE(is_valid(signature));
  EXPECT_TRUE(is_valid(Signature{}));
  signature.unique_blocks = BlockCount(4);
  EXPECT_FALSE(is_valid(signature)) << "a full one has a key for every block";
  signature.shift = 1;
  EXPECT_TRUE(is_valid(signature));
  signature.unique_blocks = BlockCount(2);
  EXPECT_FALSE(is_valid(signature)) << "more keys than blocks";
  EXPECT_FALSE(is_valid(full_signature({1, 1})));
  EXPECT_FALSE(is_valid(full_signature({2, 1})));
  EXPECT_FALSE(is_valid(Signature{.shift = 1, .unique_blocks = BlockCount(9), .keys = {top}}));
  EXPECT_FALSE(is_valid(Signature{.shift = max_signature_shift + 1}));
  EXPECT_FALSE(is_valid(Signature{.shift = 1, .unique_blocks = BlockCount(~0ull)}));
}

TEST(Overlap, of_full_signatures_is_exact) {
  std::mt19937_64 random(2);
  for (const std::size_t rest : {0uz, 1uz, 50uz, 100'000uz}) {
    const auto common = random_keys(random, 70);
    const Signature a = full_signature(test::merged(common, random_keys(random, 30)));
    const Signature b = full_signature(test::merged(common, random_keys(random, rest)));
    EXPECT_EQ(overlap(a, b).blocks, 70);
    EXPECT_EQ(overlap(b, a).blocks, 70);
    EXPECT_TRUE(overlap(a, b).is_exact());
    EXPECT_EQ(overlap(a, b).standard_error, 0);
  }
  EXPECT_EQ(overlap(full_signature({}), full_signature({1})).blocks, 0);
}

TEST(Overlap, of_equal_images_is_all_of_them_at_any_shift) {
  std::mt19937_64 random(3);
  const Signature full = full_signature(random_keys(random, 3000));
  EXPECT_DOUBLE_EQ(overlap(sampled(full, 40), full).blocks, 3000);
  EXPECT_EQ(overlap(sampled(full, 40), full).shift, sampled(full, 40).shift);
}

TEST(Overlap, without_a_key_of_the_smaller_image_says_that_nothing_is_known) {
  const Signature small = full_signature({top, top + 1});
  const Signature large{.shift = 5, .unique_blocks = BlockCount(1000), .keys = {4, 5}};
  EXPECT_EQ(overlap(small, large).blocks, 0);
  EXPECT_EQ(overlap(small, large).standard_error, 2);
}

// The binomial probability of each outcome, added up: no draw is involved.
double coverage(unsigned trials, double rate, auto&& covers) {
  double covered = 0;
  for (unsigned hits = 0; hits <= trials; ++hits) {
    const double log_p = std::lgamma(trials + 1.0) - std::lgamma(hits + 1.0) -
                         std::lgamma(trials - hits + 1.0) + hits * std::log(rate) +
                         (trials - hits) * std::log1p(-rate);
    if (covers(hits)) covered += std::exp(log_p);
  }
  return covered;
}

TEST(Overlap, stated_error_covers_the_truth_whatever_it_is) {
  const BlockCount blocks(1u << 30);  // so many that what is kept does not count
  const auto n = static_cast<double>(blocks.value());
  for (const unsigned kept : {16u, 20u, 50u, 300u, 2000u}) {
    for (double rate = 0.001; rate < 1; rate += 0.007) {
      const auto covered_by = [&](double errors) {
        return coverage(kept, rate, [&](unsigned shared) {
          const Overlap found = estimate_overlap(blocks, kept, shared, 20);
          return std::abs(found.blocks - rate * n) <= errors * found.standard_error;
        });
      };
      EXPECT_GE(covered_by(2), 0.92) << kept << " keys, " << rate << " of them shared";
      EXPECT_GE(covered_by(3), 0.98) << kept << " keys, " << rate << " of them shared";
    }
  }
}

TEST(Estimate, stated_error_covers_the_truth_whatever_it_is) {
  for (const unsigned shift : {1u, 2u, 6u}) {
    for (unsigned blocks = 1; blocks < 3000; blocks += 1 + blocks / 40) {
      const auto covered_by = [&](double errors) {
        return coverage(blocks, std::ldexp(1, -static_cast<int>(shift)), [&](unsigned kept) {
          const Estimate found = estimate_blocks(kept, shift);
          return std::abs(found.blocks - blocks) <= errors * found.standard_error;
        });
      };
      EXPECT_GE(covered_by(2), 0.92) << blocks << " blocks at shift " << shift;
      EXPECT_GE(covered_by(3), 0.98) << blocks << " blocks at shift " << shift;
    }
  }
}

TEST(Estimate, at_shift_0_is_exact) {
  EXPECT_EQ(estimate_blocks(123, 0).blocks, 123);
  EXPECT_EQ(estimate_blocks(123, 0).standard_error, 0);
}

struct Case {
  std::size_t shared, only_a, only_b, max_keys;
};

class SampledOverlap : public testing::TestWithParam<Case> {};

// Digests are redrawn, the numbers of blocks stay: the mean of the estimates must be the truth
// within four times its own error, and their spread what each of them states.
TEST_P(SampledOverlap, is_unbiased_and_within_its_stated_error) {
  const Case& c = GetParam();
  constexpr int draws = 1000;
  const auto truth = static_cast<double>(c.shared);
  std::mt19937_64 random(4);
  double sum = 0;
  double squares = 0;
  int within = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const auto common = random_keys(random, c.shared);
    const Signature a = full_signature(test::merged(common, random_keys(random, c.only_a)));
    const Signature b = full_signature(test::merged(common, random_keys(random, c.only_b)));
    const Overlap found = overlap(sampled(a, c.max_keys), sampled(b, c.max_keys));
    EXPECT_GT(found.shift, 0u);
    sum += found.blocks;
    squares += (found.blocks - truth) * (found.blocks - truth);
    within += std::abs(found.blocks - truth) <= 2 * found.standard_error ? 1 : 0;
  }
  const double deviation = std::sqrt(squares / draws);
  EXPECT_NEAR(sum / draws, truth, 4 * deviation / std::sqrt(double{draws}) + 1e-9);
  EXPECT_GE(within, draws * 92 / 100);
}

INSTANTIATE_TEST_SUITE_P(Sizes, SampledOverlap,
                         testing::Values(Case{900, 100, 100, 64}, Case{500, 500, 500, 128},
                                         Case{100, 900, 400, 100}, Case{20, 1500, 1500, 256},
                                         Case{400, 0, 3000, 300}, Case{0, 600, 600, 50},
                                         Case{1000, 0, 0, 100}, Case{1990, 10, 5, 500}));

}  // namespace
}  // namespace weft
