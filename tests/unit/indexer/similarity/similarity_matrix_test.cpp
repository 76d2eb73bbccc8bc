// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/similarity_matrix.h"

#include "tests/support/indexer/random_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace weft {
namespace {

using test::full_signature;
using test::image_number;
using testing::ElementsAre;

// Three images: 4 blocks in all of them, 3 in the first two, 1 and 2 in one alone.
ClusterIndex three_images() {
  ClusterIndex index(ByteCount(1u << 20));
  EXPECT_TRUE(index.add(full_signature({1, 2, 3, 4, 11, 12, 13, 20}, image_number(9))));
  EXPECT_TRUE(index.add(full_signature({1, 2, 3, 4, 11, 12, 13}, image_number(5))));
  EXPECT_TRUE(index.add(full_signature({1, 2, 3, 4, 30, 31}, image_number(7))));
  return index;
}

TEST(SimilarityMatrix, rows_are_clusters_by_weight_and_columns_images_as_they_came) {
  const auto matrix = similarity_matrix(three_images(), {.keys_per_cluster = 2});
  EXPECT_THAT(matrix.images, ElementsAre(image_number(9), image_number(5), image_number(7)));
  EXPECT_THAT(matrix.unique_blocks, ElementsAre(BlockCount(8), BlockCount(7), BlockCount(6)));
  ASSERT_EQ(matrix.clusters.size(), 4u);
  struct Row {
    const char* membership;
    double blocks;
    test::Keys keys;
  };
  const std::array<Row, 4> expected{
      Row{"111", 4, {1, 2}}, {"110", 3, {11, 12}}, {"001", 2, {30, 31}}, {"100", 1, {20}}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(matrix.clusters[i].membership, expected[i].membership);
    EXPECT_EQ(matrix.clusters[i].blocks.blocks, expected[i].blocks);
    EXPECT_EQ(matrix.clusters[i].blocks.standard_error, 0);
    EXPECT_EQ(matrix.clusters[i].keys, expected[i].keys);
  }
  EXPECT_EQ(matrix.more_clusters, 0u);
  EXPECT_EQ(matrix.shift, 0u);
}

TEST(SimilarityMatrix, shared_blocks_are_symmetric_and_all_on_the_diagonal) {
  const auto matrix = similarity_matrix(three_images(), {});
  const std::array<std::array<double, 3>, 3> expected{{{8, 7, 4}, {7, 7, 4}, {4, 4, 6}}};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) {
      EXPECT_EQ(matrix.shared_by(a, b).blocks, expected[a][b]);
    }
  }
}

TEST(SimilarityMatrix, keeps_the_heaviest_and_counts_the_rest) {
  const auto matrix = similarity_matrix(three_images(), {.max_clusters = 2, .keys_per_cluster = 1});
  ASSERT_EQ(matrix.clusters.size(), 2u);
  EXPECT_EQ(matrix.clusters[1].membership, "110");
  EXPECT_THAT(matrix.clusters[1].keys, ElementsAre(11));
  EXPECT_EQ(matrix.more_clusters, 2u);
  EXPECT_EQ(similarity_matrix(three_images(), {.max_clusters = 0}).more_clusters, 4u);
}

TEST(SimilarityMatrix, equal_weights_are_ordered_by_membership) {
  ClusterIndex index(ByteCount(1u << 20));
  EXPECT_TRUE(index.add(full_signature({1, 2}, image_number(1))));
  EXPECT_TRUE(index.add(full_signature({2, 3}, image_number(2))));
  const auto matrix = similarity_matrix(index, {.max_clusters = 2});
  EXPECT_EQ(matrix.clusters[0].membership, "11");
  EXPECT_EQ(matrix.clusters[1].membership, "10");
}

}  // namespace
}  // namespace weft
