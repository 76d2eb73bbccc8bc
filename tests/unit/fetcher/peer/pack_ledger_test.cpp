// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/pack_ledger.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace weft::fetcher {
namespace {

std::vector<std::byte> some(std::size_t size) {
  return std::vector<std::byte>(size, std::byte{7});
}

wire::TreePackRequest four_leaves() {
  return {.image = {}, .bases = {ImageId{}}, .nodes = {{2, 0, 1}, {1, 8, 3}}};
}

TEST(PackLedger, pieces_become_the_packs_they_were_cut_from) {
  PackLedger ledger(four_leaves());
  ASSERT_TRUE(ledger.accept({true, false, {{2, 0, 1}, {1, 8, 1}}, {{0, {1, 3, 2}}}, some(10)}));
  ASSERT_TRUE(ledger.accept({true, true, {}, {}, some(5)}));
  ASSERT_TRUE(ledger.accept({false, false, {{1, 9, 2}}, {}, some(3)}));
  const std::vector<NodePack> packs = ledger.take();
  ASSERT_EQ(packs.size(), 2u);
  EXPECT_EQ(packs[0].bytes, some(15));
  EXPECT_EQ(packs[0].prefix, (std::vector<wire::PrefixRun>{{0, {1, 3, 2}}}));
  EXPECT_EQ(packs[1].nodes, (std::vector<wire::NodeRun>{{1, 9, 2}}));
}

TEST(PackLedger, a_peer_that_has_none_of_the_nodes_answers_with_no_pack) {
  PackLedger ledger(four_leaves());
  ASSERT_TRUE(ledger.accept({}));
  EXPECT_TRUE(ledger.take().empty());
}

TEST(PackLedger, a_piece_of_no_pack_is_refused) {
  PackLedger ledger(four_leaves());
  EXPECT_FALSE(ledger.accept({false, true, {}, {}, some(1)}));
}

TEST(PackLedger, nodes_that_were_not_asked_for_or_came_before_are_refused) {
  PackLedger ledger(four_leaves());
  EXPECT_FALSE(ledger.accept({false, false, {{1, 11, 1}}, {}, some(1)}));
  PackLedger again(four_leaves());
  ASSERT_TRUE(again.accept({true, false, {{1, 8, 1}}, {}, some(1)}));
  const auto twice = again.accept({false, false, {{1, 8, 1}}, {}, some(1)});
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error().is(Errc::peer_misbehaved));
}

TEST(PackLedger, a_base_that_was_not_offered_is_refused) {
  PackLedger ledger(four_leaves());
  EXPECT_FALSE(ledger.accept({false, false, {{1, 8, 1}}, {{1, {1, 0, 1}}}, some(1)}));
}

TEST(PackLedger, a_pack_does_not_grow_past_what_its_nodes_can_take) {
  PackLedger ledger(four_leaves());
  ASSERT_TRUE(ledger.accept({true, false, {{1, 8, 1}}, {}, some(wire::max_pack_size(1))}));
  EXPECT_FALSE(ledger.accept({true, true, {}, {}, some(1)}));
}

}  // namespace
}  // namespace weft::fetcher
