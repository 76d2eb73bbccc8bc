// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/signature_codec.h"

#include "indexer/store/bytes.h"
#include "tests/support/indexer/random_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weft {
namespace {

using test::full_signature;

constexpr std::uint64_t most = ~std::uint64_t{0};

// tests/fuzz/corpus/signature/three_keys.
Signature small_one() {
  return {.image = test::image_number(7),
          .shift = 48,
          .unique_blocks = BlockCount(200),
          .keys = {3, 300, 40'000}};
}

Errc refusal(std::span<const std::byte> bytes) {
  const auto decoded = decode_signature(bytes);
  EXPECT_FALSE(decoded);
  return static_cast<Errc>(decoded.error().code.value());
}

TEST(SignatureCodec, decodes_what_it_encoded) {
  std::mt19937_64 random(1);
  for (const std::size_t count : {0uz, 1uz, 2uz, 100uz, 20'000uz}) {
    for (const unsigned shift : {0u, 1u, 17u, max_signature_shift}) {
      Signature signature = full_signature(test::random_keys(random, count), ImageId{{1, 2, 3}});
      for (auto& key : signature.keys)
        key >>= shift;
      signature.keys = test::sorted(signature.keys);
      signature.shift = shift;
      if (shift > 0) signature.unique_blocks = BlockCount(count + 77);
      const auto bytes = encode_signature(signature);
      EXPECT_EQ(decode_signature(bytes), signature) << count << " keys at shift " << shift;
      EXPECT_LE(bytes.size(), max_encoded_signature(signature.keys.size()));
    }
  }
}

TEST(SignatureCodec, keys_at_the_edges_survive) {
  for (const auto& keys : {test::Keys{0}, {most}, {0, most}, {most - 1, most}, {0, 1, 2, 3}}) {
    const Signature signature = full_signature(keys);
    EXPECT_EQ(decode_signature(encode_signature(signature)), signature);
    EXPECT_LE(encode_signature(signature).size(), max_encoded_signature(keys.size()));
  }
}

TEST(SignatureCodec, bytes_are_as_specified) {
  const auto bytes = encode_signature(small_one());
  EXPECT_EQ(to_hex(std::span(bytes).first(bytes.size() - 8)),
            "5745465453494731"  // WEFTSIG1
            "01000000300e0000"  // version 1, shift 48, r = 14
            "0000000700000000000000000000000000000000000000000000000000000000"
            "c800000000000000"  // of 200 blocks
            "0300000000000000"  // three keys
            // Distances 3, 296 and 2 * 2^14 + 6931, from the lowest bit up.
            "078028012736");
}

TEST(SignatureCodec, takes_less_than_six_bytes_a_key_for_an_image_of_4_GiB) {
  std::mt19937_64 random(2);
  const Signature few = sampled(full_signature(test::random_keys(random, 1'000'000)), 16'384);
  EXPECT_LT(encode_signature(few).size(), few.keys.size() * 6);
}

TEST(SignatureCodec, size_bounds_are_inverse_to_each_other) {
  for (const std::size_t bytes : {0uz, 71uz, 72uz, 73uz, 1000uz, 262'144uz}) {
    EXPECT_LE(max_encoded_signature(keys_that_fit(bytes)), std::max(bytes, 72uz));
  }
  EXPECT_GT(keys_that_fit(256uz << 10), 30'000u);
}

TEST(SignatureCodec, every_cut_and_every_flipped_bit_is_refused) {
  const auto bytes = encode_signature(small_one());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_signature(std::span(bytes).first(size))) << size;
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    EXPECT_FALSE(decode_signature(flipped)) << bit;
  }
}

TEST(SignatureCodec, later_version_is_told_from_damage) {
  auto bytes = encode_signature(small_one());
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

class BrokenRule : public testing::TestWithParam<Field> {};

// With a right sum: a peer can make these.
TEST_P(BrokenRule, is_refused) {
  auto bytes = encode_signature(small_one());
  layout::put<std::uint8_t>(bytes, GetParam().at, GetParam().value);
  layout::seal(bytes);
  EXPECT_EQ(refusal(bytes), Errc::damaged_state);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BrokenRule,
    testing::Values(Field{"shift above the highest", 12, 49}, Field{"parameter too low", 13, 7},
                    Field{"parameter too high", 13, 64}, Field{"reserved bytes", 14, 1},
                    Field{"fewer blocks than keys", 48, 2}, Field{"count of keys too high", 56, 4},
                    Field{"count of keys too low", 56, 2}, Field{"count beyond bytes", 63, 0x80},
                    Field{"filling not zero", 64 + 5, 0xb6}),
    [](const auto& field) {
      std::string name = field.param.name;
      std::ranges::replace(name, ' ', '_');
      return name;
    });

}  // namespace
}  // namespace weft
