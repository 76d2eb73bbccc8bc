// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/cluster_index.h"
#include "tests/support/indexer/random_signature.h"
#include "tests/unit/indexer/similarity/cluster_oracle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace weft {
namespace {

using test::Membership;

// What is estimated, and the truth.
struct Tally {
  double sum = 0;
  double squares = 0;
  int within = 0;
  int draws = 0;

  void add(double found, double truth, double standard_error) {
    sum += found - truth;
    squares += (found - truth) * (found - truth);
    within += std::abs(found - truth) <= 2 * standard_error ? 1 : 0;
    ++draws;
  }
  void expect_unbiased_and_within(const std::string& what) const {
    const double deviation = std::sqrt(squares / draws);
    EXPECT_LE(std::abs(sum / draws), 4 * deviation / std::sqrt(double(draws)) + 1e-9) << what;
    EXPECT_GE(within, draws * 91 / 100) << what;
  }
};

// Six images whose blocks have the same memberships in each draw, under digests that are drawn
// anew. The memory is a quarter of what all would take, so where the threshold ends depends on the
// draw.
TEST(ClusterEstimate, is_unbiased_and_within_its_stated_error) {
  constexpr int draws = 500;
  constexpr std::uint32_t images = 6;
  std::mt19937_64 random(1);
  std::vector<unsigned> memberships(4000);
  for (unsigned& m : memberships)
    m = 1 + static_cast<unsigned>(random() % 8 * (random() % 8));
  std::map<unsigned, double> truth;
  for (const unsigned m : memberships)
    truth[m] += 1;

  std::map<unsigned, Tally> clusters;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Tally> pairs;
  for (int draw = 0; draw < draws; ++draw) {
    std::vector<test::Keys> keys(images);
    for (const unsigned m : memberships) {
      const std::uint64_t key = random();
      for (std::uint32_t i = 0; i < images; ++i) {
        if ((m >> i & 1) != 0) keys[i].push_back(key);
      }
    }
    ClusterIndex index(ByteCount(16'000));
    for (std::uint32_t i = 0; i < images; ++i) {
      ASSERT_TRUE(index.add(test::full_signature(test::sorted(keys[i]), test::image_number(i))));
    }
    ASSERT_GE(index.shift(), 1u);

    std::map<unsigned, std::uint64_t> found;
    index.for_each_cluster([&](ClusterNumber c, std::uint64_t count) {
      unsigned m = 0;
      const auto bits = index.membership(c);
      for (std::size_t i = 0; i < bits.size(); ++i)
        m |= bits[i] ? 1u << i : 0;
      found[m] = count;
    });
    for (const auto& [m, blocks] : truth) {
      const Estimate estimate = estimate_blocks(found[m], index.shift());
      clusters[m].add(estimate.blocks, blocks, estimate.standard_error);
    }
    for (std::uint32_t a = 0; a < images; ++a) {
      for (std::uint32_t b = a + 1; b < images; ++b) {
        const Overlap shared = index.shared(test::image_number(a), test::image_number(b));
        double blocks = 0;
        for (const auto& [m, count] : truth)
          blocks += (m >> a & m >> b & 1) != 0 ? count : 0;
        pairs[{a, b}].add(shared.blocks, blocks, shared.standard_error);
      }
    }
  }
  for (const auto& [m, tally] : clusters) {
    tally.expect_unbiased_and_within("cluster " + std::to_string(m));
  }
  for (const auto& [pair, tally] : pairs) {
    tally.expect_unbiased_and_within("images " + std::to_string(pair.first) + " and " +
                                     std::to_string(pair.second));
  }
}

}  // namespace
}  // namespace weft
