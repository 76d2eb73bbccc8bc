// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/pack_codec.h"

#include "fetcher/wire/tree_pack.h"
#include "indexer/core/units.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace weft::fetcher::wire {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t digest = 32;

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return std::byte(random() & 0xff); });
  return bytes;
}

Bytes random_nodes(std::size_t nodes, std::uint64_t seed) {
  return random_bytes(nodes * block_size, seed);
}

/// Leaves like those of an image made from another one: runs of its digests at other places, with
/// digests of their own between them.
Bytes rearranged(const Bytes& base, std::size_t nodes, double own, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::bernoulli_distribution is_own(own);
  const std::size_t known = base.size() / digest;
  Bytes bytes;
  while (bytes.size() < nodes * block_size) {
    const std::size_t left = nodes * block_size / digest - bytes.size() / digest;
    const std::size_t run = std::min<std::size_t>(left, 1 + random() % 64);
    if (known == 0 || is_own(random)) {
      const Bytes fresh = random_bytes(run * digest, random());
      bytes.insert(bytes.end(), fresh.begin(), fresh.end());
    } else {
      const std::size_t from = random() % known;
      const auto* at = base.data() + from * digest;
      bytes.insert(bytes.end(), at, at + std::min(run, known - from) * digest);
    }
  }
  return bytes;
}

TEST(PackCodec, nodes_come_back_whatever_they_share_with_the_prefix) {
  std::mt19937_64 random(1);
  for (std::uint64_t round = 0; round < 40; ++round) {
    const Bytes prefix = random_nodes(random() % 200, round);
    const std::size_t count = 1 + random() % 150;
    const Bytes nodes =
        rearranged(prefix, count, static_cast<double>(random() % 5) / 4, round + 1000);
    const Bytes packed = pack_nodes(prefix, nodes);
    EXPECT_LE(packed.size(), max_pack_size(count));
    const auto back = unpack_nodes(prefix, packed, count);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, nodes) << "round " << round;
  }
}

TEST(PackCodec, the_largest_pack_with_the_longest_prefix_comes_back) {
  const Bytes prefix = random_nodes(max_prefix_nodes, 1);
  // The end of the nodes is the beginning of the prefix: as far away as it can be.
  Bytes nodes = random_nodes(max_packed_nodes, 2);
  std::copy_n(prefix.begin(), 64 * block_size, nodes.end() - 64 * std::ptrdiff_t{block_size});
  const Bytes packed = pack_nodes(prefix, nodes);
  EXPECT_LT(packed.size(), nodes.size() - 63 * block_size);
  const auto back = unpack_nodes(prefix, packed, max_packed_nodes);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, nodes);
}

TEST(PackCodec, digests_that_the_receiver_knows_cost_little) {
  const Bytes prefix = random_nodes(600, 3);
  const std::size_t count = 600;
  const Bytes nodes = rearranged(prefix, count, 0, 4);
  // A match of a run of 32 digests on average: less than half a byte a digest.
  EXPECT_LE(pack_nodes(prefix, nodes).size(), count * block_size / digest / 2);
}

TEST(PackCodec, what_is_new_costs_its_digests) {
  const Bytes nodes = random_nodes(100, 5);
  EXPECT_LE(pack_nodes({}, nodes).size(), nodes.size() + 100);
}

TEST(PackCodec, another_prefix_never_passes_for_the_right_one) {
  const Bytes prefix = random_nodes(20, 6);
  const Bytes nodes = rearranged(prefix, 20, 0.2, 7);
  const Bytes packed = pack_nodes(prefix, nodes);
  for (const Bytes& other : {Bytes{}, random_nodes(20, 8), random_nodes(3, 6)}) {
    const auto back = unpack_nodes(other, packed, 20);
    EXPECT_TRUE(!back || *back != nodes);
  }
}

TEST(PackCodec, a_frame_cut_short_or_followed_by_bytes_is_refused) {
  const Bytes prefix = random_nodes(8, 9);
  const Bytes packed = pack_nodes(prefix, rearranged(prefix, 8, 0.3, 10));
  for (std::size_t size = 0; size < packed.size(); size += size < 64 ? 1 : 61) {
    EXPECT_FALSE(unpack_nodes(prefix, std::span(packed).first(size), 8)) << size;
  }
  Bytes longer = packed;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(unpack_nodes(prefix, longer, 8));
}

TEST(PackCodec, a_frame_over_another_number_of_nodes_is_refused) {
  const Bytes packed = pack_nodes({}, random_nodes(8, 11));
  EXPECT_FALSE(unpack_nodes({}, packed, 7));
  EXPECT_FALSE(unpack_nodes({}, packed, 9));
  EXPECT_FALSE(unpack_nodes({}, packed, 0));
  EXPECT_FALSE(unpack_nodes({}, packed, max_packed_nodes + 1));
}

TEST(PackCodec, a_damaged_frame_is_refused_or_holds_other_nodes) {
  const Bytes prefix = random_nodes(8, 12);
  const Bytes nodes = rearranged(prefix, 8, 0.3, 13);
  const Bytes packed = pack_nodes(prefix, nodes);
  std::mt19937_64 random(14);
  for (int round = 0; round < 300; ++round) {
    Bytes damaged = packed;
    damaged[random() % damaged.size()] ^= std::byte(1u << (random() % 8));
    const auto back = unpack_nodes(prefix, damaged, 8);
    if (back) EXPECT_EQ(back->size(), 8 * block_size);
  }
}

}  // namespace
}  // namespace weft::fetcher::wire
