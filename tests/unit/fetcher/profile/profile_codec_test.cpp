// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_codec.h"

#include "indexer/store/bytes.h"
#include "tests/support/fetcher/boots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace weft::fetcher {
namespace {

using test::boot;

// tests/fuzz/corpus/boot_profile/two_boots.
BootProfile small_one() {
  BootProfile profile = boot({{0x0102030405060708, 0, 2}, {5, 0}, {~std::uint64_t{0}, 300, 2}}, 2);
  profile.entries[0].block = BlockIndex(100);
  profile.entries[1].block = BlockIndex(101);
  profile.entries[2].block = BlockIndex(3);
  return profile;
}

Errc refusal(std::span<const std::byte> bytes) {
  const auto decoded = decode_profile(bytes);
  EXPECT_FALSE(decoded);
  return decoded ? Errc{} : static_cast<Errc>(decoded.error().code.value());
}

TEST(ProfileCodec, bytes_are_as_specified) {
  const auto bytes = encode_profile(small_one());
  EXPECT_EQ(to_hex(std::span(bytes).first(bytes.size() - 8)),
            "5745465442504631"  // WEFTBPF1
            "0100000002000000"  // version 1, two boots
            "0000000700000000000000000000000000000000000000000000000000000000"
            "0300000000000000"          // three entries
            "00c801000807060504030201"  // at once, block 100, in both boots
            "0000010500000000000000"    // with it, the next block, in one boot less
            "ac02c50100ffffffffffffffff");
}

TEST(ProfileCodec, decodes_what_it_encoded) {
  EXPECT_EQ(decode_profile(encode_profile(small_one())), small_one());
  std::mt19937_64 random(1);
  for (const std::size_t count : {1uz, 2uz, 1000uz, max_profile_entries}) {
    BootProfile profile{.image = {}, .boots = max_profile_boots, .entries = {}};
    for (const std::uint64_t key : weft::test::random_keys(random, count)) {
      const auto last =
          profile.entries.empty() ? std::chrono::milliseconds(0) : profile.entries.back().at;
      profile.entries.push_back({.key = key,
                                 .block = BlockIndex(random() >> 30),
                                 .at = last + std::chrono::milliseconds(random() % 9000),
                                 .boots = static_cast<std::uint16_t>(1 + random() % 65535)});
    }
    const auto bytes = encode_profile(profile);
    EXPECT_EQ(decode_profile(bytes), profile) << count;
    EXPECT_LE(bytes.size(), max_encoded_profile(count));
  }
}

TEST(ProfileCodec, extremes_survive_within_the_bound_on_size) {
  BootProfile profile = boot({{1, 0}, {2, 0}, {3, 0}}, max_profile_boots);
  profile.entries[0].block = BlockIndex(max_image_size.value() / block_size - 1);
  profile.entries[1].block = BlockIndex(0);
  profile.entries[2].block = BlockIndex(max_image_size.value() / block_size - 1);
  profile.entries[2].at = longest_boot;
  profile.entries[2].boots = static_cast<std::uint16_t>(max_profile_boots);
  EXPECT_EQ(decode_profile(encode_profile(profile)), profile);
  EXPECT_LE(encode_profile(profile).size(), max_encoded_profile(3));
}

TEST(ProfileCodec, block_of_a_run_takes_eleven_bytes) {
  BootProfile profile{.image = {}, .boots = 1, .entries = {}};
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    profile.entries.push_back({.key = i * 0x9e3779b97f4a7c15,
                               .block = BlockIndex(1'000'000 + i),
                               .at = std::chrono::milliseconds(i),
                               .boots = 1});
  }
  EXPECT_LE(encode_profile(profile).size(), 64 + 20'000 * 11 + 4);
}

TEST(ProfileCodec, every_cut_and_every_flipped_bit_is_refused) {
  const auto bytes = encode_profile(small_one());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_profile(std::span(bytes).first(size))) << size;
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(decode_profile(flipped)) << bit;
  }
}

TEST(ProfileCodec, later_version_is_told_from_damage) {
  auto bytes = encode_profile(small_one());
  layout::put<std::uint32_t>(bytes, 8, 2);
  EXPECT_EQ(refusal(bytes), Errc::newer_state);
  layout::put<std::uint32_t>(bytes, 8, 0);
  layout::seal(bytes);
  EXPECT_EQ(refusal(bytes), Errc::damaged_state);
}

struct Field {
  const char* name;
  std::size_t at;
  std::uint8_t value;
};

class BrokenProfile : public testing::TestWithParam<Field> {};

// With a right sum: a peer can make these.
TEST_P(BrokenProfile, is_refused) {
  auto bytes = encode_profile(small_one());
  layout::put<std::uint8_t>(bytes, GetParam().at, GetParam().value);
  layout::seal(bytes);
  EXPECT_EQ(refusal(bytes), Errc::damaged_state);
}

INSTANTIATE_TEST_SUITE_P(Fields, BrokenProfile,
                         testing::Values(Field{"no boots", 12, 0}, Field{"too many boots", 14, 1},
                                         Field{"more entries than bytes", 48, 4},
                                         Field{"entries beyond any", 51, 0x80},
                                         Field{"fewer entries than bytes", 48, 2},
                                         Field{"no entries", 48, 0}, Field{"reserved bytes", 52, 1},
                                         Field{"in fewer boots than none", 56 + 3, 2},
                                         Field{"block before the first", 56 + 1 + 12 + 13, 0xff},
                                         Field{"number longer than it must be", 56 + 2, 0x80}),
                         [](const auto& field) {
                           std::string name = field.param.name;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST(ProfileCodec, key_that_is_there_twice_is_refused) {
  auto bytes = encode_profile(boot({{4, 0}, {5, 0}}));
  const auto five = std::ranges::find(bytes.begin() + 56, bytes.end(), std::byte{5});
  *five = std::byte{4};
  layout::seal(bytes);
  EXPECT_EQ(refusal(bytes), Errc::damaged_state);
}

TEST(BootProfile, order_and_bounds_are_part_of_its_validity) {
  EXPECT_TRUE(is_valid(boot({{1, 0}, {2, 0}, {3, 5}})));
  EXPECT_FALSE(is_valid(boot({}))) << "no entries";
  EXPECT_FALSE(is_valid(boot({{1, 5}, {2, 4}}))) << "descending";
  EXPECT_FALSE(is_valid(boot({{1, 0}, {1, 4}}))) << "twice";
  EXPECT_FALSE(is_valid(boot({{1, 0, 2}}))) << "in more boots than there were";
  EXPECT_FALSE(is_valid(boot({{1, -1}})));
  EXPECT_FALSE(is_valid(boot({{1, 0}}, 0)));
  BootProfile far = boot({{1, 0}});
  far.entries[0].block = BlockIndex(max_image_size.value() / block_size);
  EXPECT_FALSE(is_valid(far));
}

}  // namespace
}  // namespace weft::fetcher
