// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/clock.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace weft {
namespace {

using namespace std::chrono_literals;

TEST(Seconds, go_there_and_back) {
  EXPECT_DOUBLE_EQ(to_seconds(1500ms), 1.5);
  EXPECT_EQ(from_seconds(1.5), 1500ms);
  EXPECT_EQ(from_seconds(1e-9), 1ns);
}

TEST(Seconds, what_no_duration_can_be_becomes_the_nearest_that_can) {
  EXPECT_EQ(from_seconds(-1), Duration(0));
  EXPECT_EQ(from_seconds(std::nan("")), Duration(0));
  EXPECT_EQ(from_seconds(std::numeric_limits<double>::infinity()), Duration(1'000'000'000s));
}

}  // namespace
}  // namespace weft
