// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_map.h"

#include "indexer/store/lending.h"

#include <gtest/gtest.h>

#include <array>

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

}  // namespace
}  // namespace weft
