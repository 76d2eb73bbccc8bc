// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/assert.h"
#include "indexer/store/borrow_codec.h"
#include "indexer/store/borrow_map.h"
#include "indexer/store/bytes.h"
#include "indexer/store/lending.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

using namespace weft;

// Records of any bytes, as they are and with a right sum: what is decoded lies in the image, and
// the map finds the last record that covers a block.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BlockCount blocks(5000);
  const auto bytes = std::as_bytes(std::span(data, size));
  static_cast<void>(BorrowHeader::decode(bytes));
  LenderSlot lender{ImageId{}};
  BorrowMap map(blocks);
  for (std::size_t at = 0; at + BorrowRecord::size <= size; at += BorrowRecord::size) {
    std::array<std::byte, BorrowRecord::size> raw;
    std::ranges::copy(bytes.subspan(at, raw.size()), raw.begin());
    static_cast<void>(BorrowRecord::decode(raw, blocks));
    layout::seal(raw);
    const auto record = BorrowRecord::decode(raw, blocks);
    if (!record) continue;
    WEFT_ASSERT(record->blocks.end().value() <= blocks.value(), "a record lies in the image");
    WEFT_ASSERT(BorrowRecord::decode(record->encode(), blocks) == record,
                "it survives a round trip");
    map.add(std::array{BorrowMap::Run{record->blocks, &lender, record->source}});
    const BlockIndex last = record->blocks.end() - BlockCount(1);
    const auto found = map.find(last);
    WEFT_ASSERT(found && found->source == record->source + (last - record->blocks.first),
                "the last record counts");
  }
  return 0;
}
