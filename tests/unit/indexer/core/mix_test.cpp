// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/mix.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

// The reference generator, seeded with 0.
TEST(Mix, gives_the_numbers_of_splitmix64) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdafU);
  EXPECT_EQ(mix(golden_gamma), 0x6e789e6aa1b965f4U);
  EXPECT_EQ(mix(2 * golden_gamma), 0x06c45d188009454fU);
}

}  // namespace
}  // namespace weft
