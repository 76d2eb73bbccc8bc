// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/sha256_pair.h"

#include "indexer/core/assert.h"
#include "indexer/core/hash.h"

#include <array>
#include <cstdint>

#if defined(__x86_64__)

#include <immintrin.h>

#define WEFT_SHA_TARGET __attribute__((target("sha,sse4.1"), always_inline))

namespace weft {
namespace {

alignas(64) constexpr std::uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr int lanes = 2;

// The working variables in the order that the instructions want.
struct Lane {
  __m128i abef;
  __m128i cdgh;
};

WEFT_SHA_TARGET inline Lane initial_state() {
  return {_mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f,
                        static_cast<int>(0x9b05688c)),
          _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
}

WEFT_SHA_TARGET inline __m128i byte_swap() {
  return _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
}

WEFT_SHA_TARGET inline __m128i load(const std::byte* at) {
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), byte_swap());
}

// One block of 64 bytes for each lane. Rounds go in steps of four; the lanes take turns.
WEFT_SHA_TARGET inline void compress(Lane (&state)[lanes], const std::byte* const (&block)[lanes]) {
  __m128i words[lanes][4];
  Lane work[lanes];
#pragma GCC unroll 16
  for (int lane = 0; lane < lanes; ++lane) {
    work[lane] = state[lane];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 4; ++i)
      words[lane][i] = load(block[lane] + 16 * i);
  }
#pragma GCC unroll 16
  for (int step = 0; step < 16; ++step) {
    const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(round_constants) + step);
#pragma GCC unroll 16
    for (int lane = 0; lane < lanes; ++lane) {
      __m128i(&w)[4] = words[lane];
      Lane& v = work[lane];
      const __m128i sum = _mm_add_epi32(w[step % 4], k);
      v.cdgh = _mm_sha256rnds2_epu32(v.cdgh, v.abef, sum);
      v.abef = _mm_sha256rnds2_epu32(v.abef, v.cdgh, _mm_shuffle_epi32(sum, 0x0e));
      if (step < 3 || step == 15) continue;
      // The four words after the newest ones, in place of the oldest.
      __m128i& next = w[(step + 1) % 4];
      next = _mm_sha256msg1_epu32(next, w[(step + 2) % 4]);
      next = _mm_add_epi32(next, _mm_alignr_epi8(w[step % 4], w[(step + 3) % 4], 4));
      next = _mm_sha256msg2_epu32(next, w[step % 4]);
    }
  }
#pragma GCC unroll 16
  for (int lane = 0; lane < lanes; ++lane) {
    state[lane].abef = _mm_add_epi32(state[lane].abef, work[lane].abef);
    state[lane].cdgh = _mm_add_epi32(state[lane].cdgh, work[lane].cdgh);
  }
}

WEFT_SHA_TARGET inline void store(const Lane& lane, Digest& out) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  const __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0);
  const __m128i hgfe = _mm_alignr_epi8(dchg, feba, 8);
  auto* to = reinterpret_cast<__m128i*>(out.bytes.data());
  _mm_storeu_si128(to, _mm_shuffle_epi8(dcba, byte_swap()));
  _mm_storeu_si128(to + 1, _mm_shuffle_epi8(hgfe, byte_swap()));
}

// What SHA-256 appends to a message of whole blocks: a one bit, zeros, the length in bits.
std::array<std::byte, 64> padding_of(std::size_t length) {
  std::array<std::byte, 64> block{};
  block[0] = std::byte{0x80};
  const std::uint64_t bits = std::uint64_t{length} * 8;
  for (std::size_t i = 0; i < 8; ++i)
    block[63 - i] = static_cast<std::byte>(bits >> (8 * i));
  return block;
}

__attribute__((target("sha,sse4.1"))) void hash_pair(const std::byte* a, const std::byte* b,
                                                     std::size_t length, Digest& digest_a,
                                                     Digest& digest_b) {
  Lane state[lanes] = {initial_state(), initial_state()};
  for (std::size_t at = 0; at < length; at += 64) {
    const std::byte* const blocks[lanes] = {a + at, b + at};
    compress(state, blocks);
  }
  const auto padding = padding_of(length);
  const std::byte* const last[lanes] = {padding.data(), padding.data()};
  compress(state, last);
  store(state[0], digest_a);
  store(state[1], digest_b);
}

bool has_instructions() {
  static const bool present = __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
  return present;
}

}  // namespace
}  // namespace weft

#else

namespace weft {
namespace {

constexpr bool has_instructions() {
  return false;
}

void hash_pair(const std::byte*, const std::byte*, std::size_t, Digest&, Digest&) {}

}  // namespace
}  // namespace weft

#endif

namespace weft {

void sha256_pair(std::span<const std::byte> a, std::span<const std::byte> b, Digest& digest_a,
                 Digest& digest_b) {
  WEFT_ASSERT(a.size() == b.size() && a.size() % 64 == 0, "messages of whole blocks");
  if (has_instructions()) {
    hash_pair(a.data(), b.data(), a.size(), digest_a, digest_b);
  } else {
    digest_a = sha256(a);
    digest_b = sha256(b);
  }
}

}  // namespace weft
