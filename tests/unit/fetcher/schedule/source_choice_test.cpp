// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/source_choice.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;

SourceState source(std::uint32_t id, double mbit, int rtt_ms, double queued = 0) {
  return {PeerId(id), mbit * 125'000, milliseconds(rtt_ms), queued, 4096};
}

std::vector<SourceShare> choose(std::vector<SourceState> holders, std::uint64_t blocks) {
  return LowestCompletionTime().choose(holders, BlockCount(blocks));
}

struct Case {
  const char* name;
  std::vector<SourceState> holders;
  std::uint64_t blocks;
  std::vector<SourceShare> expected;
};

TEST(LowestCompletionTime, one_source_for_small_reads) {
  const Case cases[] = {
      {"the only holder", {source(1, 10, 100)}, 1, {{PeerId(1), BlockCount(1)}}},
      {"near before fast for one block",
       {source(1, 1000, 80), source(2, 100, 1)},
       1,
       {{PeerId(2), BlockCount(1)}}},
      {"fast before near for many blocks",
       {source(1, 1000, 20), source(2, 10, 1)},
       63,
       {{PeerId(1), BlockCount(63)}}},
      {"idle before busy",
       {source(1, 100, 10, 1e6), source(2, 100, 12)},
       4,
       {{PeerId(2), BlockCount(4)}}},
      {"the first of equals",
       {source(1, 100, 10), source(2, 100, 10)},
       8,
       {{PeerId(1), BlockCount(8)}}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(choose(c.holders, c.blocks), c.expected) << c.name;
}

TEST(LowestCompletionTime, shares_large_reads_by_rate) {
  const auto shares = choose({source(1, 100, 10), source(2, 50, 10)}, 3 * 320);
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares[0].peer, PeerId(1));
  EXPECT_NEAR(static_cast<double>(shares[0].blocks.value()), 640, 32);
}

TEST(LowestCompletionTime, does_not_share_for_a_small_gain) {
  EXPECT_EQ(choose({source(1, 100, 10), source(2, 1, 10)}, 1000).size(), 1U);
}

TEST(LowestCompletionTime, shares_add_up_and_never_end_later_than_one_source) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<SourceState> holders;
    const std::uint32_t n = 1 + random() % 6;
    for (std::uint32_t i = 0; i < n; ++i) {
      holders.push_back(source(i, 1 + random() % 1000, static_cast<int>(random() % 150),
                               random() % 3 == 0 ? random() % 5'000'000 : 0));
    }
    const std::uint64_t blocks = 1 + random() % 4096;
    const auto shares = choose(holders, blocks);
    std::uint64_t sum = 0;
    double latest = 0;
    for (const SourceShare& share : shares) {
      ASSERT_GT(share.blocks.value(), 0U);
      sum += share.blocks.value();
      const SourceState& s = holders[static_cast<std::size_t>(share.peer)];
      latest = std::max(latest, expected_completion(s, static_cast<double>(share.blocks.value())));
    }
    ASSERT_EQ(sum, blocks);
    double alone = 1e9;
    for (const SourceState& s : holders) {
      alone = std::min(alone, expected_completion(s, static_cast<double>(blocks)));
    }
    ASSERT_LE(latest, alone * 1.0001) << "round " << round;
  }
}

}  // namespace
}  // namespace weft::fetcher
