// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/verified_nodes.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weft {
namespace {

TEST(VerifiedNodes, only_what_was_set_is_set) {
  VerifiedNodes nodes(200000);
  for (const std::uint64_t n : {0u, 63u, 64u, 32767u, 32768u, 199999u}) {
    EXPECT_FALSE(nodes.test(n));
    nodes.set(n);
    EXPECT_TRUE(nodes.test(n));
    if (n != 63) EXPECT_FALSE(nodes.test(n + 1 < 200000 ? n + 1 : n - 1)) << n;
  }
}

TEST(VerifiedNodes, threads_that_meet_in_a_chunk_lose_no_bit) {
  VerifiedNodes nodes(64 * 1024);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
      threads.emplace_back([&nodes, t] {
        for (std::uint64_t n = t; n < 64 * 1024; n += 4)
          nodes.set(n);
      });
  }
  for (std::uint64_t n = 0; n < 64 * 1024; ++n)
    ASSERT_TRUE(nodes.test(n)) << n;
}

}  // namespace
}  // namespace weft
