// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/job_record.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using fetcher::plan::Goal;

TEST(JobRecord, comes_back_as_it_was_kept) {
  for (const Goal& goal : {Goal::fastest(), Goal::cheapest(0.2), Goal::within(0.05)}) {
    const auto again = decode_job_record(encode({"web \"quoted\"", 1e6, goal, 0.0123, true, true}));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->name, "web \"quoted\"");
    EXPECT_EQ(again->bytes_per_second, 1e6);
    EXPECT_EQ(again->goal.kind, goal.kind);
    EXPECT_EQ(again->goal.slack, goal.slack);
    EXPECT_EQ(again->goal.budget, goal.budget);
    EXPECT_EQ(again->spent, 0.0123);
    EXPECT_TRUE(again->paused);
    EXPECT_TRUE(again->in_image_order);
  }
}

TEST(JobRecord, of_an_older_node_has_no_goal) {
  const auto record = decode_job_record(R"({"name":"web","bytes_per_second":0.0})");
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->goal.kind, Goal::Kind::fastest);
  EXPECT_EQ(record->spent, 0);
  EXPECT_FALSE(record->paused);
  EXPECT_FALSE(record->in_image_order);
}

TEST(JobRecord, damage_is_noticed) {
  for (const char* text :
       {"", "[]", "{}", R"({"name":5})", R"({"name":"web","bytes_per_second":-1})",
        R"({"name":"web","bytes_per_second":"fast"})", R"({"name":"web","spent":-0.1})",
        R"({"name":"web","spent":null})", R"({"name":"web","spent":1e999})",
        R"({"name":"web","budget":-1})", R"({"name":"web","budget":"all"})",
        R"({"name":"web","budget":1e300})", R"({"name":"web","optimize":"speed"})",
        R"({"name":"web","optimize":"cost","budget":1})", R"({"name":"web","epsilon":0.1})",
        R"({"name":"web","paused":1})", R"({"name":"web","in_image_order":null})"}) {
    const auto record = decode_job_record(text);
    ASSERT_FALSE(record) << text;
    EXPECT_TRUE(record.error().is(Errc::damaged_state)) << text;
  }
}

}  // namespace
}  // namespace weft::tools
