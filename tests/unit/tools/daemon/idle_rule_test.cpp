// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/idle_rule.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(IdleRule, waits_longer_for_the_first_thing_to_do_than_after_the_last) {
  const TimePoint start{};
  IdleRule rule(start, 1s, 15s);
  EXPECT_FALSE(rule.update(false, start + 14s));
  EXPECT_FALSE(rule.update(true, start + 14500ms));
  EXPECT_FALSE(rule.update(true, start + 100s));
  EXPECT_FALSE(rule.update(false, start + 100900ms));
  EXPECT_TRUE(rule.update(false, start + 101s));
}

TEST(IdleRule, ends_a_node_nobody_used) {
  IdleRule rule(TimePoint{}, 1s, 15s);
  EXPECT_TRUE(rule.update(false, TimePoint{} + 15s));
}

}  // namespace
}  // namespace weft::tools
