// SPDX-License-Identifier: Apache-2.0
#include "tools/config/loopback.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(Loopback, is_judged_by_address_not_by_the_prefix_of_a_name) {
  EXPECT_TRUE(is_loopback({"127.0.0.1", 1}));
  EXPECT_TRUE(is_loopback({"127.8.8.8", 1}));
  EXPECT_TRUE(is_loopback({"::1", 1}));
  EXPECT_TRUE(is_loopback({"localhost", 1}));
  EXPECT_FALSE(is_loopback({"127.evil.example", 1}));
  EXPECT_FALSE(is_loopback({"0.0.0.0", 1}));
  EXPECT_FALSE(is_loopback({"::", 1}));
}

TEST(Loopback, plain_traffic_beyond_it_must_be_allowed) {
  EXPECT_TRUE(check_plain_allowed({"127.0.0.1", 1}, false));
  EXPECT_TRUE(check_plain_allowed({"10.0.0.1", 1}, true));
  EXPECT_TRUE(check_plain_allowed({"node-a", 1}, false)) << "names are judged when resolved";
  const auto refused = check_plain_allowed({"10.0.0.1", 1}, false);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::not_permitted));
  EXPECT_TRUE(refused.error().detail.contains("--insecure"));
}

}  // namespace
}  // namespace weft::tools
