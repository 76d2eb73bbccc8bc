// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"
#include "indexer/core/units.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/raw_image.h"

#include <cstdint>
#include <vector>

// How fast one core hashes content that is in its cache.
//   hash_bench [--json]
int main(int argc, char** argv) {
  using namespace weft;
  constexpr std::uint64_t blocks = 128;
  constexpr int rounds = 200;
  constexpr double megabytes = blocks * block_size * rounds / 1e6;
  const auto data = test::random_blocks(BlockCount(blocks), 1);
  const std::vector<std::byte> zeros(data.size());
  std::vector<Digest> digests(blocks);
  std::uint64_t sum = 0;
  bench::Best openssl;
  bench::Best openssl_blocks;
  bench::Best pairs;
  bench::Best xxh3_blocks;
  bench::Best zero_blocks;
  const auto measure = [&](bench::Best& best, auto work) {
    best.add(megabytes / bench::seconds([&] {
               for (int i = 0; i < rounds; ++i)
                 work();
             }));
  };
  const auto block = [&](std::uint64_t i) {
    return std::span(data).subspan(i * block_size, block_size);
  };
  for (int repeat = 0; repeat < 5; ++repeat) {
    measure(openssl, [&] { digests[0] = sha256(data); });
    measure(openssl_blocks, [&] {
      for (std::uint64_t i = 0; i < blocks; ++i)
        digests[i] = sha256(block(i));
    });
    measure(pairs, [&] { digests_of_blocks(data, digests); });
    measure(xxh3_blocks, [&] {
      for (std::uint64_t i = 0; i < blocks; ++i)
        sum += xxh3(block(i));
    });
    measure(zero_blocks, [&] { digests_of_blocks(zeros, digests); });
  }
  bench::Report report("hash", argc, argv);
  report.add("sha256", openssl.value(), "MB/s");
  report.add("sha256_of_blocks", openssl_blocks.value(), "MB/s");
  report.add("digests_of_blocks", pairs.value(), "MB/s");
  report.add("digests_vs_sha256", pairs.value() / openssl.value(), "x",
             bench::Bound::at_least(0.95));
  report.add("zero_blocks", zero_blocks.value(), "MB/s");
  report.add("xxh3", xxh3_blocks.value() + (sum == 0 ? 1 : 0), "MB/s");
  return report.finish();
}
