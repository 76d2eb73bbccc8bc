// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/batch.h"

#include "tests/support/fetcher/memory_store.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <random>

namespace weft::fetcher::wire {
namespace {

using Bytes = std::vector<std::byte>;

Bytes text(std::size_t blocks) {
  Bytes bytes(blocks * block_size);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i / 64 % 251);
  return bytes;
}

Bytes noise(std::size_t blocks) {
  std::mt19937 random(3);
  Bytes bytes(blocks * block_size);
  for (std::byte& byte : bytes)
    byte = static_cast<std::byte>(random());
  return bytes;
}

BlockBatch batch_of(std::size_t blocks, Packed packed) {
  return {.ranges = {{BlockIndex(7), BlockCount(blocks)}},
          .zero = {},
          .absent = {},
          .compressed = packed.compressed,
          .packed = std::move(packed.bytes)};
}

TEST(Batch, blocks_come_back_as_they_were_packed) {
  for (const std::size_t blocks : {1u, 2u, 31u, 32u}) {
    for (const int level : {0, 1, 3, 9}) {
      for (const Bytes& plain : {text(blocks), noise(blocks)}) {
        Packed packed = pack(plain, level);
        EXPECT_LE(packed.bytes.size(), plain.size());
        const auto back = unpack(batch_of(blocks, std::move(packed)));
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, plain);
      }
    }
  }
}

TEST(Batch, what_does_not_compress_is_sent_plain) {
  EXPECT_FALSE(pack(noise(32), 3).compressed);
  EXPECT_TRUE(pack(text(32), 3).compressed);
  EXPECT_FALSE(pack(text(32), 0).compressed);
}

Packed zstd(const Bytes& plain, bool with_size = true) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, with_size ? 1 : 0);
  Bytes packed(ZSTD_compressBound(plain.size()));
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return {true, std::move(packed)};
}

TEST(Batch, a_frame_of_another_size_than_the_ranges_say_is_refused) {
  EXPECT_TRUE(unpack(batch_of(4, zstd(text(4)))));
  EXPECT_FALSE(unpack(batch_of(3, zstd(text(4)))));
  EXPECT_FALSE(unpack(batch_of(5, zstd(text(4)))));
  EXPECT_FALSE(unpack(batch_of(1, zstd(Bytes(std::size_t{1} << 26))))) << "64 MiB in 2 KiB";
}

TEST(Batch, a_frame_that_does_not_say_its_size_is_refused) {
  EXPECT_FALSE(unpack(batch_of(4, zstd(text(4), false))));
}

TEST(Batch, frames_cut_short_followed_by_more_or_damaged_are_refused) {
  const Packed good = zstd(text(4));
  for (std::size_t size = 1; size < good.bytes.size(); ++size) {
    Packed cut = good;
    cut.bytes.resize(size);
    EXPECT_FALSE(unpack(batch_of(4, std::move(cut)))) << size;
  }
  Packed twice = good;
  twice.bytes.insert(twice.bytes.end(), good.bytes.begin(), good.bytes.end());
  EXPECT_FALSE(unpack(batch_of(4, std::move(twice))));
  for (std::size_t at = 0; at < good.bytes.size(); ++at) {
    Packed damaged = good;
    damaged.bytes[at] ^= std::byte{0x55};
    const auto plain = unpack(batch_of(4, std::move(damaged)));
    if (plain) EXPECT_EQ(plain->size(), 4 * block_size);
  }
}

TEST(Batch, plain_blocks_must_be_as_many_as_the_ranges_say) {
  EXPECT_FALSE(unpack(batch_of(3, {false, text(4)})));
  EXPECT_FALSE(unpack(batch_of(33, {false, text(33)})));
}

}  // namespace
}  // namespace weft::fetcher::wire
