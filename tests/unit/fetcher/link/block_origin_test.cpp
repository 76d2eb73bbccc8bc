// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/block_origin.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
using enum BlockOrigin;

TEST(BlockOrigin, sites_decide_where_both_are_known) {
  EXPECT_EQ(origin_of_peer("paris", "paris", 80ms), lan_peer);
  EXPECT_EQ(origin_of_peer("paris", "berlin", 100us), wan_peer);
}

TEST(BlockOrigin, round_trip_decides_where_a_site_is_not_known) {
  for (const auto* own : {"", "paris"}) {
    EXPECT_EQ(origin_of_peer(own, "", 300us), lan_peer) << own;
    EXPECT_EQ(origin_of_peer(own, "", lan_round_trip), wan_peer) << own;
    EXPECT_EQ(origin_of_peer(own, "", std::nullopt), wan_peer) << own << ": nothing is known";
  }
  EXPECT_EQ(origin_of_peer("", "paris", 300us), lan_peer);
}

}  // namespace
}  // namespace weft::fetcher
