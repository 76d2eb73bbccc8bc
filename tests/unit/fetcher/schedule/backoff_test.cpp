// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/backoff.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t least = 0;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr BackoffPolicy policy{milliseconds(250), milliseconds(10'000)};

TEST(Backoff, doubles_up_to_the_longest_pause) {
  const int expected_ms[] = {250, 500, 1000, 2000, 4000, 8000, 10'000, 10'000};
  for (unsigned attempt = 0; attempt < std::size(expected_ms); ++attempt) {
    EXPECT_EQ(backoff(attempt, least, policy), milliseconds(expected_ms[attempt])) << attempt;
  }
}

TEST(Backoff, random_takes_off_at_most_half) {
  for (unsigned attempt = 0; attempt < 10; ++attempt) {
    const Duration full = backoff(attempt, least, policy);
    EXPECT_NEAR(static_cast<double>(backoff(attempt, most, policy).count()),
                static_cast<double>(full.count()) / 2, 1e3);
    EXPECT_GE(backoff(attempt, most / 3, policy), full / 2);
  }
}

TEST(Backoff, attempts_without_end_do_not_overflow) {
  EXPECT_EQ(backoff(std::numeric_limits<unsigned>::max(), least, policy), policy.longest);
}

TEST(Backoff, a_first_pause_beyond_the_longest_is_cut) {
  EXPECT_EQ(backoff(0, least, {milliseconds(500), milliseconds(100)}), milliseconds(100));
}

}  // namespace
}  // namespace weft::fetcher
