// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/block_ledger.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

BlockRange range(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

wire::BlockBatch batch(std::vector<BlockRange> zero, std::vector<BlockRange> absent, bool last) {
  wire::BlockBatch b;
  b.zero = std::move(zero);
  b.absent = std::move(absent);
  b.last = last;
  return b;
}

TEST(BlockLedger, accepts_answers_in_any_order_and_across_runs_that_touch) {
  const std::vector<BlockRange> asked = {range(20, 4), range(10, 5), range(15, 2)};
  BlockLedger ledger(asked);
  EXPECT_EQ(ledger.open(), 11u);
  EXPECT_TRUE(ledger.accept(batch({range(12, 5)}, {range(21, 1)}, false)));
  EXPECT_TRUE(ledger.accept(batch({range(10, 2), range(20, 1)}, {}, false)));
  EXPECT_EQ(ledger.open(), 2u);
  EXPECT_TRUE(ledger.accept(batch({}, {range(22, 2)}, true)));
}

TEST(BlockLedger, refuses_what_was_not_asked_for_or_was_answered) {
  const std::vector<BlockRange> asked = {range(10, 5), range(20, 4)};
  for (const BlockRange wrong : {range(9, 1), range(9, 2), range(14, 2), range(15, 5), range(24, 1),
                                 range(0, 100), range(1u << 30, 1)}) {
    BlockLedger ledger(asked);
    const auto accepted = ledger.accept(batch({wrong}, {}, false));
    ASSERT_FALSE(accepted) << wrong.first.value();
    EXPECT_TRUE(accepted.error().is(Errc::peer_misbehaved));
  }
  BlockLedger ledger(asked);
  EXPECT_TRUE(ledger.accept(batch({range(10, 2)}, {}, false)));
  EXPECT_FALSE(ledger.accept(batch({}, {range(11, 1)}, false)));
  BlockLedger both(asked);
  EXPECT_FALSE(both.accept(batch({range(10, 1)}, {range(10, 1)}, false)));
}

TEST(BlockLedger, the_last_batch_leaves_nothing_open) {
  const std::vector<BlockRange> asked = {range(10, 5)};
  BlockLedger ledger(asked);
  EXPECT_FALSE(ledger.accept(batch({range(10, 4)}, {}, true)));
}

}  // namespace
}  // namespace weft::fetcher
