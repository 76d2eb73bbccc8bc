// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/placement.h"

#include "tests/unit/fetcher/exchange/listing_peer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr ByteCount mb(std::uint64_t n) {
  return ByteCount(n * 1'000'000);
}

NodeView here(std::optional<ByteCount> holds) {
  NodeView node{.name = "here", .address = "", .share = {}};
  if (holds) node.share = Share{*holds, {}, true};
  return node;
}

NodeView peer(std::string address, std::optional<ByteCount> holds, double rate, double price = 0) {
  NodeView node{.name = address, .address = address, .share = {}};
  if (holds) node.share = Share{*holds, {}, true};
  node.bytes_per_second = rate;
  node.round_trip = 10ms;
  node.price_per_gib = price;
  return node;
}

Placement find(const std::vector<Placement>& all, std::string_view address) {
  return *std::ranges::find(all, address, [](const Placement& p) { return p.node.address; });
}

TEST(Placement, a_node_that_has_it_all_is_first_and_needs_nothing) {
  const auto all = placements(mb(100), {here(mb(10)), peer("b", mb(100), 1e6)});
  EXPECT_EQ(all[0].node.address, "b");
  EXPECT_EQ(all[0].needs, ByteCount(0));
  EXPECT_EQ(all[0].time, 0ms);
  EXPECT_EQ(all[0].price, 0);
  EXPECT_EQ(all[1].needs, mb(90));
  EXPECT_EQ(all[1].time, 90'010ms);
}

TEST(Placement, links_are_used_at_once_until_the_last_byte_is_here) {
  const auto all =
      placements(mb(100), {here(mb(0)), peer("b", mb(100), 1e6, 0.5), peer("c", mb(100), 3e6)});
  const Placement local = find(all, "");
  EXPECT_EQ(local.time, 25'010ms);
  EXPECT_NEAR(*local.price, 0.5 * 25e6 / (1u << 30), 1e-6);
  EXPECT_EQ(local.sources.size(), 2u);
}

TEST(Placement, a_fast_source_of_a_part_runs_dry_and_the_slow_one_brings_the_rest) {
  const auto all =
      placements(mb(100), {here(mb(0)), peer("b", mb(100), 1e6), peer("c", mb(20), 10e6)});
  // 20 MB from c in 2 s, 80 MB from b: 80 s.
  EXPECT_EQ(find(all, "").time, 80'010ms);
}

TEST(Placement, the_time_is_the_least_in_which_enough_has_come) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<NodeView> nodes = {here(mb(random() % 50))};
    for (int i = 0; i < 5; ++i)
      nodes.push_back(peer("p" + std::to_string(i), mb(random() % 101),
                           static_cast<double>(100'000 + random() % 10'000'000)));
    nodes.push_back(peer("whole", mb(100), 50'000));
    const Placement local = find(placements(mb(100), nodes), "");
    ASSERT_TRUE(local.time) << round;
    const auto come_by = [&](double seconds) {
      double bytes = 0;
      const double missing = 100e6 - static_cast<double>(nodes[0].share->bytes.value());
      for (const NodeView& node : nodes) {
        if (node.is_here()) continue;
        const double part = static_cast<double>(node.share->bytes.value()) / 100e6;
        bytes += std::min(missing * part, node.bytes_per_second * seconds);
      }
      return bytes - missing;
    };
    const double seconds = to_seconds(*local.time - 10ms);
    EXPECT_NEAR(come_by(seconds), 0, 20) << round;
  }
}

TEST(Placement, a_peer_takes_from_this_node_over_their_link) {
  const auto all = placements(mb(100), {here(mb(100)), peer("b", mb(40), 2e6, 1)});
  const Placement there = find(all, "b");
  EXPECT_EQ(there.time, 30'010ms);
  EXPECT_NEAR(*there.price, 60e6 / (1u << 30), 1e-6);
  EXPECT_EQ(there.sources, std::vector<std::string>{""});
}

TEST(Placement, what_is_not_known_is_said_and_comes_last) {
  auto gone = peer("gone", mb(50), 1e6);
  gone.connected = false;
  const auto all = placements(
      mb(100), {here(mb(0)), peer("slow", mb(100), 0), peer("what", std::nullopt, 1e6), gone});
  EXPECT_EQ(all[0].node.address, "slow");
  for (const std::string_view address : {"", "what", "gone"}) {
    const Placement one = find(all, address);
    EXPECT_FALSE(one.time) << address;
    EXPECT_FALSE(one.price) << address;
    EXPECT_NE(one.note, "") << address;
  }
  EXPECT_FALSE(find(all, "what").needs);
  const auto whole = placements(mb(100), {here(mb(100)), peer("b", mb(0), 0, 2)});
  EXPECT_FALSE(find(whole, "b").time) << "not measured";
  EXPECT_TRUE(find(whole, "b").price) << "the price does not depend on the rate";
}

TEST(Placement, without_all_holders_there_is_no_time) {
  const auto all =
      placements(mb(100), {here(mb(0)), peer("b", mb(40), 1e6), peer("c", mb(50), 1e6)});
  EXPECT_FALSE(find(all, "").time);
  EXPECT_NE(find(all, "").note.find("no connected node"), std::string::npos);
}

TEST(Placement, cheaper_goes_before_faster) {
  const auto all = placements(
      mb(100), {here(mb(100)), peer("fast", mb(0), 10e6, 1), peer("cheap", mb(0), 1e6, 0.1)});
  EXPECT_EQ(all[1].node.address, "cheap");
  EXPECT_EQ(all[2].node.address, "fast");
}

TEST(Placement, blocks_of_several_images_count_once) {
  const Signature target = testing::made_signature(ImageId{{1}}, 10'000);
  Signature first = target;
  first.keys.resize(6000);
  Signature second = target;
  second.keys.erase(second.keys.begin(), second.keys.begin() + 4000);
  first.unique_blocks = second.unique_blocks = BlockCount(6000);
  const std::vector<HeldImage> both = {{&first, 1}, {&second, 1}};
  const Overlap all = shared_with_any(target, both);
  EXPECT_TRUE(all.is_exact());
  EXPECT_EQ(all.blocks, 10'000);
  const Overlap half = shared_with_any(target, std::vector<HeldImage>{{&first, 0.5}});
  EXPECT_FALSE(half.is_exact());
  EXPECT_EQ(half.blocks, 3000);
  EXPECT_EQ(shared_with_any(target, {}).blocks, 0);
}

TEST(Placement, sampled_signatures_give_an_estimate_within_its_error) {
  std::mt19937_64 random(11);
  Signature target{.image = {}, .unique_blocks = BlockCount(100'000), .keys = {}};
  for (int i = 0; i < 100'000; ++i)
    target.keys.push_back(random());
  Signature other = target;
  for (std::size_t i = 30'000; i < other.keys.size(); ++i)
    other.keys[i] = random();
  std::ranges::sort(target.keys);
  std::ranges::sort(other.keys);
  const Signature a = sampled(target, 4096);
  const Signature b = sampled(other, 4096);
  const Overlap shared = shared_with_any(a, std::vector<HeldImage>{{&b, 1}});
  EXPECT_GT(shared.standard_error, 0);
  EXPECT_NEAR(shared.blocks, 30'000, 4 * shared.standard_error);
}

}  // namespace
}  // namespace weft::fetcher
