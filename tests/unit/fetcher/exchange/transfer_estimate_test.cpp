// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/transfer_estimate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace weft::fetcher {
namespace {

using Sources = std::vector<std::uint32_t>;

/// A full signature of the keys from `first` on.
Signature signature(std::uint64_t first, std::uint64_t count, unsigned shift = 0) {
  Signature made;
  made.shift = shift;
  made.unique_blocks = BlockCount(count << shift);
  for (std::uint64_t i = 0; i < count; ++i)
    made.keys.push_back((first + i) << 40U);
  return made;
}

TargetView target_of(const Signature& signature) {
  return {.signature = &signature,
          .blocks = signature.unique_blocks,
          .missing = {},
          .tree_here = true,
          .others = {}};
}

SourceView source(double part, std::vector<HeldImage> others = {}) {
  SourceView view;
  view.part = part;
  view.others = std::move(others);
  return view;
}

/// Blocks by who holds them.
std::map<Sources, double> blocks_by_holders(const TransferEstimate& estimate) {
  std::map<Sources, double> sets;
  for (const auto& c : estimate.problem.classes) {
    const auto set = estimate.problem.holder_sets[c.holders];
    sets[Sources(set.begin(), set.end())] += static_cast<double>(c.bytes) / block_size;
  }
  return sets;
}

TEST(TransferEstimate, holder_sets_overlap_as_the_signatures_do) {
  const Signature wanted = signature(0, 1000);
  const Signature relative = signature(600, 1000);
  const std::vector sources = {source(1), source(0, {{&relative, 1}})};
  const auto estimate = estimate_transfer(target_of(wanted), sources, {}, 1);
  const std::map<Sources, double> expected = {{{0}, 600}, {{0, 1}, 400}};
  EXPECT_EQ(blocks_by_holders(estimate), expected);
  EXPECT_EQ(estimate.missing, bytes_of(BlockCount(1000)));
  EXPECT_EQ(estimate.unheld, ByteCount(0));
  EXPECT_TRUE(estimate.exact);
}

TEST(TransferEstimate, what_local_images_hold_need_not_come) {
  const Signature wanted = signature(0, 1000);
  const Signature local = signature(0, 250);
  TargetView target = target_of(wanted);
  target.others = {{&local, 1}};
  const std::vector sources = {source(1)};
  const auto estimate = estimate_transfer(target, sources, {}, 1);
  EXPECT_EQ(estimate.missing, bytes_of(BlockCount(750)));
  EXPECT_TRUE(estimate.exact);
  target.others = {{&local, 0.5}};
  EXPECT_EQ(estimate_transfer(target, sources, {}, 1).missing, bytes_of(BlockCount(875)));
  EXPECT_FALSE(estimate_transfer(target, sources, {}, 1).exact);
}

TEST(TransferEstimate, counted_blocks_go_before_estimates) {
  const Signature wanted = signature(0, 1000);
  TargetView target = target_of(wanted);
  target.missing = BlockCount(123);
  target.others = {{&wanted, 1}};
  const std::vector sources = {source(1)};
  const auto estimate = estimate_transfer(target, sources, {}, 1);
  EXPECT_EQ(estimate.missing, bytes_of(BlockCount(123)));
  EXPECT_TRUE(estimate.exact) << "they are all at the one source";
  target.missing = BlockCount(0);
  EXPECT_EQ(estimate_transfer(target, sources, {}, 1).wire, ByteCount(0));
}

TEST(TransferEstimate, blocks_nobody_holds_are_said_so) {
  const Signature wanted = signature(0, 1000);
  const Signature relative = signature(0, 300);
  const std::vector sources = {source(0, {{&relative, 1}})};
  const auto estimate = estimate_transfer(target_of(wanted), sources, {}, 1);
  EXPECT_EQ(estimate.unheld, bytes_of(BlockCount(700)));
}

TEST(TransferEstimate, parts_are_drawn_once_and_independently) {
  const Signature wanted = signature(0, 4000);
  const std::vector sources = {source(0.5), source(0.5)};
  const auto estimate = estimate_transfer(target_of(wanted), sources, {}, 1);
  for (const auto& [set, blocks] : blocks_by_holders(estimate))
    EXPECT_NEAR(blocks, 1000, 120) << set.size();
  EXPECT_EQ(blocks_by_holders(estimate).size(), 4u);
  EXPECT_FALSE(estimate.exact);
  EXPECT_EQ(blocks_by_holders(estimate_transfer(target_of(wanted), sources, {}, 1)),
            blocks_by_holders(estimate));
}

TEST(TransferEstimate, without_a_signature_all_blocks_are_alike) {
  const std::vector sources = {source(1), source(0.25)};
  TargetView target;
  target.blocks = BlockCount(10'000);
  const auto estimate = estimate_transfer(target, sources, {}, 1);
  const auto sets = blocks_by_holders(estimate);
  EXPECT_NEAR(sets.at({0, 1}), 2500, 200);
  EXPECT_EQ(estimate.missing, bytes_of(BlockCount(10'000)));
  EXPECT_FALSE(estimate.exact);
}

TEST(TransferEstimate, sampled_signatures_are_compared_at_the_higher_shift) {
  Signature sampled = signature(0, 100, 4);  // of 1600 blocks
  const Signature other = signature(50, 100, 4);
  const std::vector sources = {source(0, {{&other, 1}})};
  const auto estimate = estimate_transfer(target_of(sampled), sources, {}, 1);
  EXPECT_EQ(estimate.missing, bytes_of(BlockCount(1600)));
  EXPECT_EQ(estimate.unheld, bytes_of(BlockCount(800)));
  EXPECT_FALSE(estimate.exact);
}

TEST(TransferEstimate, wire_bytes_count_compression_and_digests) {
  const Signature wanted = signature(0, 1000);
  TargetView target = target_of(wanted);
  target.tree_here = false;
  const std::vector sources = {source(1)};
  EXPECT_EQ(estimate_transfer(target, sources, {}, 0.5).wire, ByteCount(1000 * (2048 + 32)));
}

TEST(TransferEstimate, links_are_what_is_measured_and_what_the_operator_says) {
  const Signature wanted = signature(0, 10);
  std::vector sources = {source(1), source(1), source(1)};
  sources[0].link.rate_in = {.mean = 1e6, .deviation = 0, .samples = 10};
  sources[0].link.loss = {.fraction = 0.1, .per_hour = 1, .watched = 100};
  sources[0].link.round_trip = std::chrono::milliseconds(50);
  sources[0].info = {.price_per_gib = 2, .site = "paris"};
  sources[1].info.site = "berlin";
  const OwnLinkInfo own{.site = "berlin",
                        .ingress_bytes_per_second = 5e6,
                        .sites = {{"berlin", 1e3}, {"paris", 12.5e6}}};
  const auto problem = estimate_transfer(target_of(wanted), sources, own, 1).problem;
  EXPECT_NEAR(problem.sources[0].rate, 0.9e6, 1);
  EXPECT_NEAR(problem.sources[0].delay, 0.05, 1e-9);
  EXPECT_EQ(problem.sources[0].price, 2);
  ASSERT_TRUE(problem.sources[0].site);
  EXPECT_EQ(problem.sites[*problem.sources[0].site].uplink, 12.5e6);
  EXPECT_FALSE(problem.sources[1].site) << "of our own site: it passes no uplink";
  EXPECT_FALSE(problem.sources[2].site);
  EXPECT_EQ(problem.sources[2].rate, LinkEstimate{}.bytes_per_second);
  EXPECT_EQ(problem.ingress, 5e6);
}

}  // namespace
}  // namespace weft::fetcher
