// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_map.h"

#include "indexer/store/lending.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace weft {
namespace {

BorrowMap::Run run(std::uint64_t first, std::uint64_t count, LenderSlot& lender,
                   std::uint64_t source) {
  return {{BlockIndex(first), BlockCount(count)}, &lender, BlockIndex(source)};
}

TEST(BorrowMap, block_is_found_with_what_follows_it_in_its_leaf) {
  LenderSlot lender{ImageId{}};
  BorrowMap map(BlockCount(1000));
  map.add(std::array{run(100, 60, lender, 500)});
  EXPECT_EQ(map.find(BlockIndex(99)), std::nullopt);
  EXPECT_EQ(map.find(BlockIndex(110)), run(110, 18, lender, 510));
  EXPECT_EQ(map.find(BlockIndex(128)), run(128, 32, lender, 528));
  EXPECT_EQ(map.find(BlockIndex(160)), std::nullopt);
}

TEST(BorrowMap, later_run_replaces_what_it_covers_only) {
  LenderSlot one{ImageId{}};
  LenderSlot two{ImageId{}};
  BorrowMap map(BlockCount(1000));
  map.add(std::array{run(10, 20, one, 0)});
  map.add(std::array{run(15, 5, two, 900)});
  EXPECT_EQ(map.find(BlockIndex(10)), run(10, 5, one, 0));
  EXPECT_EQ(map.find(BlockIndex(15)), run(15, 5, two, 900));
  EXPECT_EQ(map.find(BlockIndex(20)), run(20, 10, one, 10));
  EXPECT_EQ(map.runs({BlockIndex(0), BlockCount(1000)}).size(), 3u);
}

TEST(BorrowMap, agrees_with_a_look_at_every_block_under_random_additions) {
  constexpr std::uint64_t blocks = 1000;
  std::mt19937_64 random(20260102);
  std::deque<LenderSlot> lenders;
  for (int i = 0; i < 300; ++i)
    lenders.emplace_back(ImageId{});
  struct Place {
    LenderSlot* lender = nullptr;
    std::uint64_t source = 0;
  };
  std::vector<Place> model(blocks);
  BorrowMap map{BlockCount(blocks)};
  for (int round = 0; round < 200; ++round) {
    std::vector<BorrowMap::Run> runs;
    for (std::uint64_t n = random() % 5; n-- > 0;) {
      const std::uint64_t first = random() % blocks;
      const std::uint64_t count = 1 + random() % std::min<std::uint64_t>(300, blocks - first);
      // The largest image has 2³⁴ blocks.
      const std::uint64_t source = (std::uint64_t{1} << 34) - count - random() % 5000;
      LenderSlot& lender = lenders[random() % lenders.size()];
      runs.push_back(run(first, count, lender, source));
      for (std::uint64_t i = 0; i < count; ++i)
        model[first + i] = {&lender, source + i};
    }
    map.add(runs);
    for (std::uint64_t b = 0; b < blocks; ++b) {
      const auto found = map.find(BlockIndex(b));
      ASSERT_EQ(found.has_value(), model[b].lender != nullptr) << b;
      for (std::uint64_t i = 0; found && i < found->blocks.count.value(); ++i) {
        ASSERT_EQ(found->lender, model[b + i].lender) << b;
        ASSERT_EQ(found->source.value() + i, model[b + i].source) << b;
      }
    }
    BlockIndex end(0);
    for (const auto& part : map.runs({BlockIndex(0), BlockCount(blocks)})) {
      EXPECT_GE(part.blocks.first, end);
      EXPECT_EQ(map.find(part.blocks.first), part);
      end = part.blocks.end();
    }
  }
}

TEST(BorrowMap, a_lender_too_many_lends_nothing) {
  std::deque<LenderSlot> lenders;
  for (std::size_t i = 0; i < BorrowMap::max_lenders; ++i)
    lenders.emplace_back(ImageId{});
  BorrowMap map(BlockCount(256));
  std::vector<BorrowMap::Run> runs;
  for (LenderSlot& lender : lenders)
    runs.push_back(run(7, 1, lender, 0));
  map.add(runs);
  LenderSlot one_more{ImageId{}};
  map.add(std::array{run(7, 1, one_more, 0), run(200, 1, one_more, 0)});
  EXPECT_EQ(map.find(BlockIndex(7)), run(7, 1, lenders.back(), 0));
  EXPECT_EQ(map.find(BlockIndex(200)), std::nullopt);
}

TEST(BorrowMap, a_whole_tebibyte_borrowed_in_runs_of_64_blocks_fits_into_100_megabytes) {
  constexpr std::uint64_t part = 64;  // of a TiB, to save time: memory grows with the runs
  constexpr std::uint64_t blocks = (std::uint64_t{1} << 28) / part;
  std::mt19937_64 random(1);
  std::geometric_distribution<std::uint64_t> length(1.0 / 64);
  LenderSlot lender{ImageId{}};
  BorrowMap map{BlockCount(blocks)};
  std::vector<BorrowMap::Run> runs;
  for (std::uint64_t at = 0; at < blocks;) {
    const std::uint64_t count = std::min(1 + length(random), blocks - at);
    runs.push_back(run(at, count, lender, random() % blocks));
    at += count;
  }
  map.add(runs);
  EXPECT_LT(map.memory() * part, 100'000'000u) << runs.size() << " runs";
}

}  // namespace
}  // namespace weft
