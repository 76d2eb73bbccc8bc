// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/digest.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace weft {
namespace {

static_assert(!std::is_convertible_v<Digest, ImageId>, "kinds of ids must not be mixed up");

TEST(ByteId, hex_goes_both_ways) {
  const std::string hex = "000102030405060708090a0b0c0d0e0f";
  const auto id = parse_hex<NodeId>(hex);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bytes[15], 0x0f);
  EXPECT_EQ(to_hex(*id), hex);
  EXPECT_EQ(parse_hex<NodeId>("000102030405060708090A0B0C0D0E0F"), id);
}

TEST(ByteId, what_is_not_exactly_its_hex_is_refused) {
  const std::string hex(32, 'a');
  for (const std::string& bad :
       {std::string(), hex.substr(1), hex + "a", hex + "aa", "g" + hex.substr(1),
        hex.substr(1) + " ", "0x" + hex.substr(2), hex.substr(1) + std::string(1, '\0')})
    EXPECT_FALSE(parse_hex<NodeId>(bad)) << bad;
}

TEST(ByteId, zero_is_only_all_zeros) {
  Digest digest;
  EXPECT_TRUE(digest.is_zero());
  digest.bytes[31] = 1;
  EXPECT_FALSE(digest.is_zero());
}

TEST(ByteId, orders_as_its_bytes) {
  Digest low;
  Digest high;
  low.bytes[31] = 0xff;
  high.bytes[0] = 1;
  EXPECT_LT(low, high);
}

TEST(ByteId, survives_raw_bytes) {
  Digest digest;
  digest.bytes[3] = 7;
  EXPECT_EQ(Digest::from(digest.view()), digest);
}

}  // namespace
}  // namespace weft
