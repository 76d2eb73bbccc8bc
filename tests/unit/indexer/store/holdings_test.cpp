// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/holdings.h"

#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace weft {
namespace {

using test::SampleImage;

class HoldingsTest : public test::StoreFixture {
 protected:
  static std::vector<DigestKey> keys_of(std::span<const Digest> digests, unsigned key_bytes) {
    std::vector<DigestKey> keys;
    for (const Digest& digest : digests)
      keys.push_back(digest_key(digest) >> (64 - 8 * key_bytes));
    std::ranges::sort(keys);
    return keys;
  }
};

TEST_F(HoldingsTest, answers_are_what_a_look_at_every_block_gives) {
  const SampleImage whole(test::random_blocks(BlockCount(600), 1));
  const SampleImage part(test::random_blocks(BlockCount(400), 2));
  const SampleImage other(test::random_blocks(BlockCount(300), 3));
  ASSERT_TRUE(import(whole, "whole"));
  const auto local = adopt(part, "part");
  ASSERT_TRUE(part.send_tree(*local));
  ASSERT_TRUE(part.send_blocks(*local, 100, 150));
  ASSERT_TRUE(store_->flush());

  std::vector<Digest> asked;
  for (const SampleImage* sample : {&whole, &part, &other})
    asked.insert(asked.end(), sample->digests.begin(), sample->digests.end());
  std::vector<Digest> held(whole.digests);
  held.insert(held.end(), part.digests.begin() + 100, part.digests.begin() + 250);
  for (unsigned key_bytes = 4; key_bytes <= 8; ++key_bytes) {
    const auto keys = keys_of(asked, key_bytes);
    const auto readable = keys_of(held, key_bytes);
    const auto answer = store_->holds(keys, key_bytes);
    ASSERT_TRUE(answer) << answer.error().message();
    ASSERT_EQ(answer->size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ((*answer)[i], std::ranges::binary_search(readable, keys[i])) << i;
    }
  }
}

TEST_F(HoldingsTest, image_that_is_closed_answers_too) {
  const SampleImage sample(test::random_blocks(BlockCount(300), 1));
  ASSERT_TRUE(import(sample, "disk"));
  reopen();
  const auto answer = store_->holds(keys_of(sample.digests, 5), 5);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, std::vector<bool>(300, true));
}

TEST_F(HoldingsTest, keys_that_cannot_be_are_refused) {
  const std::array<DigestKey, 2> keys = {7, 5};
  EXPECT_TRUE(store_->holds(keys, 5).error().is(Errc::bad_request)) << "not ascending";
  const std::array<DigestKey, 1> long_key = {std::uint64_t{1} << 40};
  EXPECT_TRUE(store_->holds(long_key, 5).error().is(Errc::bad_request));
  EXPECT_TRUE(store_->holds(long_key, 3).error().is(Errc::bad_request));
  EXPECT_TRUE(store_->holds(long_key, 9).error().is(Errc::bad_request));
  EXPECT_TRUE(store_->holds({}, 5)->empty());
}

TEST_F(HoldingsTest, blocks_are_read_from_whatever_image_has_them) {
  const auto one = SampleImage::picture("abcd");
  const auto two = SampleImage::picture("xy.cz");
  ASSERT_TRUE(import(one, "one"));
  const auto local = adopt(two, "two");
  ASSERT_TRUE(two.send_tree(*local));
  ASSERT_TRUE(two.send_blocks(*local, 0, 1));
  ASSERT_TRUE(store_->flush());
  const auto asked = SampleImage::picture("xa.yqcxa");
  std::vector<std::byte> bytes(asked.bytes.size(), std::byte{0xee});
  const auto found = store_->read_blocks_by_digest(asked.digests, bytes);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, (std::vector<bool>{true, true, true, false, false, true, true, true}));
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto got = std::span(bytes).subspan(i * block_size, block_size);
    if ((*found)[i]) {
      EXPECT_TRUE(std::ranges::equal(got, asked.block(i))) << i;
    } else {
      EXPECT_EQ(got[0], std::byte{0xee}) << "left as it was";
    }
  }
  EXPECT_TRUE(store_->read_blocks_by_digest(asked.digests, std::span(bytes).first(100))
                  .error()
                  .is(Errc::bad_request));
}

}  // namespace
}  // namespace weft
