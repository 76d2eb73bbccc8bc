// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_codec.h"
#include "indexer/store/bytes.h"
#include "indexer/store/index_codec.h"
#include "indexer/store/map_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

// The bytes that STORE_FORMAT.md fixes: its test vectors are read from the document itself.
namespace weft {
namespace {

/// Lines "vector NAME = HEX" of the specification; a line that ends in '\' goes on.
std::map<std::string, std::string> vectors() {
  std::ifstream file(WEFT_STORE_FORMAT);
  std::map<std::string, std::string> out;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string tag, name, equals, hex;
    if (words >> tag >> name >> equals && tag == "vector" && equals == "=") {
      std::string part;
      while (words >> part)
        hex += part;
      out[name] = hex;
    }
  }
  return out;
}

ImageId sample_id() {
  ImageId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i)
    id.bytes[i] = static_cast<std::uint8_t>(i);
  return id;
}

MapHeader sample_header() {
  MapHeader header;
  header.image = sample_id();
  header.blocks = BlockCount(100000);
  header.clean = true;
  header.complete = true;
  header.implied_zero = BlockCount(7);
  return header;
}

BorrowRecord sample_record() {
  return {{BlockIndex(10), BlockCount(3)}, sample_id(), BlockIndex(500)};
}

IndexHeader sample_index() {
  return {sample_id(), 1000, 0x0123'4567'89ab'cdef, true, 990, BlockCount(1010)};
}

TEST(StoreFormat, bytes_are_those_of_the_specification) {
  const auto spec = vectors();
  EXPECT_EQ(to_hex(sample_header().encode()), spec.at("map-header"));
  EXPECT_EQ(to_hex(sample_index().encode()), spec.at("index-header"));
  EXPECT_EQ(to_hex(BorrowHeader{sample_id()}.encode()), spec.at("borrow-header"));
  EXPECT_EQ(to_hex(sample_record().encode()), spec.at("borrow-record"));
  BlockSet::Words bits{};
  bits[0] = 5;
  const auto sum = map_entry_sum(sample_id(), MapPlane::zero, 2, BlockSet::Kind::mixed, &bits);
  EXPECT_EQ(to_hex(MapEntry{BlockSet::Kind::mixed, sum}.encode()), spec.at("map-entry"));
}

TEST(StoreFormat, header_survives_the_round_trip) {
  EXPECT_EQ(MapHeader::decode(sample_header().encode()), sample_header());
  EXPECT_EQ(IndexHeader::decode(sample_index().encode()), sample_index());
}

TEST(StoreFormat, every_flipped_bit_of_a_header_or_record_is_noticed) {
  const auto header = sample_header().encode();
  const auto index = sample_index().encode();
  const auto record = sample_record().encode();
  for (std::size_t bit = 0; bit < index.size() * 8; ++bit) {
    auto bad = index;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(IndexHeader::decode(bad)) << bit;
  }
  for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
    auto bad = header;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(MapHeader::decode(bad)) << bit;
  }
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    auto bad = record;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(BorrowRecord::decode(bad, BlockCount(1000))) << bit;
  }
}

TEST(StoreFormat, index_of_another_version_is_known_as_such) {
  const auto of_version = [](std::uint32_t version) {
    auto bytes = sample_index().encode();
    layout::put(bytes, 8, version);
    layout::seal(bytes);
    return IndexHeader::decode(bytes);
  };
  EXPECT_TRUE(of_version(2));
  EXPECT_TRUE(of_version(1).error().is(Errc::damaged_state)) << "it is made again";
  EXPECT_TRUE(of_version(3).error().is(Errc::newer_state));
}

TEST(StoreFormat, index_with_impossible_numbers_is_refused) {
  const auto refused = [](std::uint64_t entries, std::uint64_t distinct, std::uint64_t covered) {
    const IndexHeader header{sample_id(), entries, 0, true, distinct, BlockCount(covered)};
    return !IndexHeader::decode(header.encode());
  };
  EXPECT_FALSE(refused(5, 5, 5));
  EXPECT_TRUE(refused(5, 6, 9)) << "more keys than entries";
  EXPECT_TRUE(refused(6, 6, 5)) << "more entries than blocks";
  EXPECT_TRUE(refused(5, 5, ~std::uint64_t{0})) << "more blocks than an image can have";
}

TEST(StoreFormat, record_beyond_the_image_is_refused) {
  EXPECT_TRUE(BorrowRecord::decode(sample_record().encode(), BlockCount(13)));
  EXPECT_FALSE(BorrowRecord::decode(sample_record().encode(), BlockCount(12)));
}

TEST(StoreFormat, map_of_ten_tebibytes_has_its_tables_in_few_pages) {
  const MapLayout layout(BlockCount(std::uint64_t{10} << 28));
  EXPECT_EQ(layout.chunks, 81920u);
  EXPECT_EQ(layout.table_size(), ByteCount(81920 * 16));
  EXPECT_EQ(layout.entry(MapPlane::zero, 1), ByteOffset(4096 + 81920 * 16 + 16));
  EXPECT_EQ(layout.bits(MapPlane::zero, 0), ByteOffset(4096 + 2 * 81920 * 16 + 4096));
}

}  // namespace
}  // namespace weft
