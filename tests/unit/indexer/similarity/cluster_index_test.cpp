// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/cluster_index.h"

#include "tests/support/indexer/random_signature.h"
#include "tests/unit/indexer/similarity/cluster_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace weft {
namespace {

using test::full_signature;
using test::image_number;
using testing::ElementsAre;

constexpr ByteCount plenty(std::uint64_t{1} << 30);

void add(ClusterIndex& index, const Signature& signature) {
  ASSERT_TRUE(index.add(signature));
}

TEST(ClusterIndex, blocks_with_the_same_images_are_one_cluster) {
  ClusterIndex index(plenty);
  const ImageId a = image_number(1);
  const ImageId b = image_number(2);
  add(index, full_signature({1, 2, 3, 7}, a));
  add(index, full_signature({2, 3, 9}, b));
  EXPECT_EQ(test::clusters_of(index),
            (test::Clusters{{{a}, {1, 7}}, {{a, b}, {2, 3}}, {{b}, {9}}}));
  EXPECT_EQ(index.shared(a, b).blocks, 2);
  EXPECT_EQ(index.shared(a, a).blocks, 4);
  EXPECT_TRUE(index.shared(a, b).is_exact());
  EXPECT_THAT(index.images(), ElementsAre(a, b));
}

TEST(ClusterIndex, clusters_that_differ_only_in_an_image_that_goes_become_one) {
  ClusterIndex index(plenty);
  const ImageId a = image_number(1);
  const ImageId b = image_number(2);
  add(index, full_signature({1, 2, 3}, a));
  add(index, full_signature({2, 3, 9}, b));
  EXPECT_TRUE(index.remove(b));
  EXPECT_EQ(test::clusters_of(index), (test::Clusters{{{a}, {1, 2, 3}}}));
  EXPECT_FALSE(index.remove(b));
  EXPECT_FALSE(index.contains(b));
}

TEST(ClusterIndex, same_image_twice_counts_once) {
  ClusterIndex index(plenty);
  add(index, full_signature({1, 2}, image_number(1)));
  add(index, full_signature({1, 2}, image_number(1)));
  EXPECT_EQ(index.cluster_count(), 1u);
  EXPECT_THAT(index.membership(0), ElementsAre(true));
}

TEST(ClusterIndex, equal_images_and_empty_ones_are_no_trouble) {
  ClusterIndex index(plenty);
  for (std::uint32_t i = 0; i < 70; ++i)
    add(index, full_signature({5, 6}, image_number(i)));
  add(index, full_signature({}, image_number(99)));
  EXPECT_EQ(index.cluster_count(), 1u);
  EXPECT_EQ(index.shared(image_number(0), image_number(69)).blocks, 2);
  EXPECT_EQ(index.shared(image_number(0), image_number(99)).blocks, 0);
  for (std::uint32_t i = 0; i < 70; ++i)
    index.remove(image_number(i));
  EXPECT_EQ(index.cluster_count(), 0u);
  EXPECT_EQ(index.key_count(), 0u);
  index.check_invariants();
}

TEST(ClusterIndex, has_a_most_number_of_images) {
  ClusterIndex index(plenty);
  for (std::uint32_t i = 0; i < ClusterIndex::max_images; ++i) {
    add(index, full_signature({}, image_number(i)));
  }
  const auto more = index.add(full_signature({}, image_number(1u << 20)));
  ASSERT_FALSE(more);
  EXPECT_TRUE(more.error().is(Errc::unsupported));
  EXPECT_TRUE(index.add(full_signature({}, image_number(0)))) << "known: nothing to do";
}

TEST(ClusterIndex, sampled_signature_raises_the_threshold_of_all) {
  ClusterIndex index(plenty);
  std::mt19937_64 random(1);
  const Signature full = full_signature(test::random_keys(random, 1000), image_number(1));
  add(index, full);
  Signature few = sampled(full, 100);
  few.image = image_number(2);
  add(index, few);
  EXPECT_EQ(index.shift(), few.shift);
  EXPECT_EQ(index.key_count(), few.keys.size());
  EXPECT_EQ(index.cluster_count(), 1u);
  EXPECT_DOUBLE_EQ(index.shared(image_number(1), image_number(2)).blocks, 1000);
  index.check_invariants();
}

TEST(ClusterIndex, keeps_to_its_memory_by_dropping_keys) {
  constexpr ByteCount little(200'000);
  ClusterIndex index(little);
  std::mt19937_64 random(2);
  for (std::uint32_t i = 0; i < 40; ++i) {
    add(index, full_signature(test::random_keys(random, 3000), image_number(i)));
    EXPECT_LE(index.memory(), little);
  }
  EXPECT_FALSE(index.is_exact());
  EXPECT_GT(index.key_count(), 3000u) << "no more dropped than needed";
  index.check_invariants();
}

// Images drawn from a small pool, so that every kind of membership comes up; they come and go in
// any order, and more than 64 of them, so that memberships get a second word.
class RandomImages : public testing::TestWithParam<unsigned> {};

TEST_P(RandomImages, clusters_and_matrix_are_those_of_the_oracle) {
  std::mt19937_64 random(GetParam());
  // With the bound of every third seed, keys are dropped on the way.
  ClusterIndex index(GetParam() % 3 == 0 ? ByteCount(20'000) : plenty);
  test::ClusterOracle oracle;
  const test::Keys pool = test::random_keys(random, 40 + random() % 400);
  const std::uint32_t most = random() % 4 == 0 ? 90 : 12;
  for (int turn = 0; turn < 150; ++turn) {
    const ImageId image = image_number(static_cast<std::uint32_t>(random() % most));
    if (oracle.images().contains(image)) {
      EXPECT_TRUE(index.remove(image));
      oracle.remove(image);
    } else {
      test::Keys keys;
      const std::uint64_t share = random() % 11;
      std::ranges::copy_if(pool, std::back_inserter(keys),
                           [&](auto) { return random() % 10 < share; });
      const Signature signature = full_signature(keys, image);
      add(index, signature);
      oracle.add(signature);
    }
    if (turn % 10 != 0) continue;
    index.check_invariants();
    ASSERT_EQ(test::clusters_of(index), oracle.clusters(index.shift())) << "turn " << turn;
    if (!index.is_exact()) continue;
    for (const auto& [a, first] : oracle.images()) {
      for (const auto& [b, second] : oracle.images()) {
        ASSERT_EQ(index.shared(a, b).blocks, static_cast<double>(oracle.shared(a, b)));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomImages, testing::Range(0u, 40u));

TEST(ClusterIndex, order_of_arrival_does_not_matter) {
  std::mt19937_64 random(3);
  const test::Keys pool = test::random_keys(random, 300);
  std::vector<Signature> images;
  for (std::uint32_t i = 0; i < 20; ++i) {
    test::Keys keys;
    std::ranges::copy_if(pool, std::back_inserter(keys), [&](auto) { return random() % 2 == 0; });
    images.push_back(full_signature(keys, image_number(i)));
  }
  ClusterIndex forward(plenty);
  ClusterIndex shuffled(plenty);
  for (const Signature& image : images)
    add(forward, image);
  std::ranges::shuffle(images, random);
  for (const Signature& image : images)
    add(shuffled, image);
  EXPECT_EQ(test::clusters_of(forward), test::clusters_of(shuffled));
}

TEST(ClusterIndex, tables_of_more_than_one_chunk_stay_sorted) {
  ClusterIndex index(plenty);
  std::mt19937_64 random(4);
  const test::Keys common = test::random_keys(random, 150'000);
  for (std::uint32_t i = 0; i < 3; ++i) {
    add(index,
        full_signature(test::merged(common, test::random_keys(random, 100'000)), image_number(i)));
  }
  index.check_invariants();
  EXPECT_EQ(index.key_count(), 450'000u);
  EXPECT_EQ(index.cluster_count(), 4u);
  index.remove(image_number(1));
  index.check_invariants();
  EXPECT_EQ(index.key_count(), 350'000u);
}

}  // namespace
}  // namespace weft
