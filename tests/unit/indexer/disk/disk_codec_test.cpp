// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_codec.h"

#include "indexer/core/hash.h"
#include "indexer/store/bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace weft {
namespace {

DiskSerial serial() {
  DiskSerial serial;
  for (std::size_t i = 0; i < serial.size(); ++i)
    serial[i] = static_cast<std::byte>(i);
  return serial;
}

DiskHeader header() {
  DiskHeader header{.serial = serial(), .base = {}, .bytes = ByteCount(1'000'000)};
  for (std::size_t i = 0; i < ImageId::size; ++i)
    header.base.bytes[i] = static_cast<std::uint8_t>(i);
  return header;
}

DiskChunkPage page() {
  DiskChunkPage page{.chunk = 2, .sequence = 5, .words = {}};
  page.words[0] = 0b1001;  // block 0 of the chunk is written, block 1 zero
  return page;
}

/// "vector NAME = hex" of the format's specification.
std::string vector_named(const std::string& name) {
  std::ifstream file(WEFT_STORE_FORMAT);
  const std::string start = "vector " + name + " = ";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(start)) return line.substr(start.size());
  return "not in the specification";
}

TEST(DiskFormat, headers_are_those_of_the_specification) {
  EXPECT_EQ(to_hex(header().encode()), vector_named("disk-map-header"));
  const LiveHeader live{.serial = serial(), .boot = Digest{}, .blocks = BlockCount(245)};
  EXPECT_EQ(to_hex(live.encode()), vector_named("disk-live-header"));
  const auto raw = page().encode(serial());
  EXPECT_EQ(to_hex(std::span(raw).first(64)), vector_named("disk-chunk-page-head"));
  EXPECT_EQ(to_hex(std::span(raw).last(8)), vector_named("disk-chunk-page-seal"));
}

TEST(DiskFormat, what_was_encoded_is_decoded) {
  EXPECT_EQ(*DiskHeader::decode(header().encode()), header());
  const LiveHeader live{.serial = serial(), .boot = sha256({}), .blocks = BlockCount(7)};
  EXPECT_EQ(LiveHeader::decode(live.encode()), live);
  const auto decoded = DiskChunkPage::decode(page().encode(serial()), serial(), 2);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->sequence, 5u);
  EXPECT_EQ(decoded->words, page().words);
}

TEST(DiskFormat, any_flipped_bit_is_noticed) {
  const auto head = header().encode();
  const auto raw = page().encode(serial());
  for (std::size_t i = 0; i < head.size(); ++i) {
    auto damaged = head;
    damaged[i] ^= std::byte{1};
    EXPECT_FALSE(DiskHeader::decode(damaged)) << i;
  }
  for (std::size_t i = 0; i < raw.size(); i += 7) {
    auto damaged = raw;
    damaged[i] ^= std::byte{1};
    EXPECT_FALSE(DiskChunkPage::decode(damaged, serial(), 2)) << i;
  }
}

TEST(DiskFormat, page_of_another_disk_or_chunk_is_not_taken) {
  const auto raw = page().encode(serial());
  EXPECT_FALSE(DiskChunkPage::decode(raw, serial(), 3));
  EXPECT_FALSE(DiskChunkPage::decode(raw, DiskSerial{}, 2));
  EXPECT_FALSE(DiskChunkPage::decode(std::span(raw).first(4095), serial(), 2));
}

TEST(DiskFormat, newer_version_is_told_apart_from_damage) {
  auto raw = header().encode();
  raw[8] = std::byte{2};
  EXPECT_TRUE(DiskHeader::decode(raw).error().is(Errc::newer_state));
}

}  // namespace
}  // namespace weft
