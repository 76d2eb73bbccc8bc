// SPDX-License-Identifier: Apache-2.0
#include "tools/api/similarity_views.h"

#include "tests/support/indexer/random_signature.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <random>

namespace weft::tools {
namespace {

namespace json = boost::json;
using test::full_signature;
using test::image_number;

constexpr ByteCount plenty(std::uint64_t{16} << 20);

std::vector<ComparedImage> images(std::initializer_list<const char*> names) {
  std::vector<ComparedImage> list;
  for (const char* name : names) {
    const auto number = static_cast<std::uint32_t>(list.size() + 1);
    list.push_back({.id = image_number(number), .name = name, .node = ""});
  }
  return list;
}

TEST(SimilarJson, says_what_each_pair_shares_of_both) {
  Comparison comparison(plenty);
  ASSERT_TRUE(comparison.add(full_signature({1, 2, 3}, image_number(1))));
  ASSERT_TRUE(comparison.add(full_signature({2, 3}, image_number(2))));
  ASSERT_TRUE(comparison.add(full_signature({9}, image_number(3))));
  const auto view = similar_json(images({"a", "b", "c"}), comparison, std::nullopt, {});
  EXPECT_EQ(view.at("images").at(0).at("bytes"), 3 * 4096);
  EXPECT_EQ(view.at("images").at(0).at("full"), true);
  ASSERT_EQ(view.at("pairs").as_array().size(), 1u) << "only those that share something";
  EXPECT_EQ(view.at("pairs").at(0),
            json::parse(R"({"a": 0, "b": 1, "bytes": 8192, "error": 0, "percent_of_a": 66.6,
                            "percent_of_b": 1E2, "exact": true})"));
  EXPECT_EQ(view.at("exact"), true);
  EXPECT_TRUE(view.at("focus").is_null());
}

TEST(SimilarJson, focus_leaves_out_pairs_of_others) {
  Comparison comparison(plenty);
  for (std::uint32_t i = 1; i <= 3; ++i)
    ASSERT_TRUE(comparison.add(full_signature({1}, image_number(i))));
  const auto view = similar_json(images({"a", "b", "c"}), comparison, 1, {});
  EXPECT_EQ(view.at("pairs").as_array().size(), 2u);
  EXPECT_EQ(view.at("focus"), 1);
}

TEST(SimilarJson, estimates_state_their_error) {
  std::mt19937_64 random(1);
  const auto keys = test::random_keys(random, 10'000);
  Comparison comparison(plenty);
  ASSERT_TRUE(comparison.add(full_signature(keys, image_number(1))));
  ASSERT_TRUE(comparison.add(sampled(
      full_signature(test::Keys(keys.begin(), keys.begin() + 5000), image_number(2)), 100)));
  const auto view = similar_json(images({"a", "b"}), comparison, std::nullopt,
                                 {{{.id = image_number(9), .name = "new", .node = ""}, "why"}});
  EXPECT_EQ(view.at("exact"), false);
  EXPECT_EQ(view.at("pairs").at(0).at("exact"), false);
  EXPECT_GT(view.at("pairs").at(0).at("error").to_number<std::uint64_t>(), 0u);
  EXPECT_EQ(view.at("images").at(1).at("full"), false);
  EXPECT_EQ(view.at("left_out").at(0).at("label"), "new");
  EXPECT_EQ(view.at("left_out").at(0).at("reason"), "why");
}

TEST(ClustersJson, rows_name_members_and_digests) {
  ClusterIndex index(plenty);
  ASSERT_TRUE(index.add(full_signature({2, 0xabc}, image_number(1))));
  ASSERT_TRUE(index.add(full_signature({5, 6, 7, 0xabc}, image_number(2))));
  const auto matrix = similarity_matrix(index, {.max_clusters = 2, .keys_per_cluster = 1});
  const auto view = clusters_json(images({"a", "b"}), matrix, {});
  EXPECT_EQ(view.at("clusters"), json::parse(R"([
    {"id": "01", "members": ["b"], "blocks": 3, "bytes": 12288, "error": 0,
     "digests": ["0000000000000005"]},
    {"id": "11", "members": ["a", "b"], "blocks": 1, "bytes": 4096, "error": 0,
     "digests": ["0000000000000abc"]}])"));
  EXPECT_EQ(view.at("more"), 1);
  EXPECT_EQ(view.at("exact"), true);
}

}  // namespace
}  // namespace weft::tools
