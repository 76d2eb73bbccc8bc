// SPDX-License-Identifier: Apache-2.0
#include "tools/api/call.h"

#include "tools/api/routes.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(CallTarget, is_split_and_decoded) {
  const auto call = parse_target("GET", "/v1/images/a%20b?x=1&y=%2Fz&flag");
  ASSERT_TRUE(call) << call.error().message();
  EXPECT_EQ(call->path, (std::vector<std::string>{"v1", "images", "a b"}));
  EXPECT_EQ(call->query.at("x"), "1");
  EXPECT_EQ(call->query.at("y"), "/z");
  EXPECT_EQ(call->query.at("flag"), "");
}

TEST(CallTarget, comes_back_as_it_was_written) {
  Call call;
  call.method = "DELETE";
  call.path = {"v1", "peers", "[::1]:7440"};
  call.query = {{"target", "/mnt/a b&c=d%"}, {"force", "true"}};
  const auto again = parse_target("DELETE", target_of(call));
  ASSERT_TRUE(again) << target_of(call);
  EXPECT_EQ(again->path, call.path);
  EXPECT_EQ(again->query, call.query);
}

TEST(CallTarget, malformed_ones_are_refused) {
  for (const std::string& target :
       {std::string("v1"), std::string(""), std::string("/%"), std::string("/%4"),
        std::string("/%zz"), std::string("/a%00b"), std::string("//"), std::string("/a//b"),
        std::string("/a?=b"), "/" + std::string(9000, 'a')}) {
    const auto call = parse_target("GET", target);
    ASSERT_FALSE(call) << target;
    EXPECT_TRUE(call.error().is(Errc::bad_request));
  }
}

TEST(CallBody, members_have_the_type_they_must_have) {
  Call call;
  call.body = {
      {"name", "web"}, {"flag", true}, {"list", {"a", "b"}}, {"number", 5}, {"nul", "a\0b"}};
  call.body["nul"] = std::string("a\0b", 3);
  EXPECT_EQ(required_text(call, "name").value(), "web");
  EXPECT_TRUE(optional_flag(call, "flag", false).value());
  EXPECT_TRUE(optional_flag(call, "absent", true).value());
  EXPECT_EQ(optional_texts(call, "list").value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(required_text(call, "absent"));
  EXPECT_FALSE(required_text(call, "number"));
  EXPECT_FALSE(required_text(call, "nul"));
  EXPECT_FALSE(optional_flag(call, "name", false));
  EXPECT_FALSE(optional_texts(call, "number"));
}

TEST(CallBody, a_misspelt_member_is_an_error_not_ignored) {
  Call call;
  call.body = {{"image", "web"}, {"polcy", "eio"}};
  const auto checked = only_members(call, {"image", "policy"});
  ASSERT_FALSE(checked);
  EXPECT_TRUE(checked.error().detail.contains("polcy"));
}

TEST(Routes, long_requests_are_known) {
  const auto long_one = [](const char* method, const char* target) {
    return is_long(parse_target(method, target).value());
  };
  EXPECT_TRUE(long_one("POST", "/v1/images"));
  EXPECT_TRUE(long_one("GET", "/v1/jobs/web/wait"));
  EXPECT_FALSE(long_one("GET", "/v1/images"));
  EXPECT_FALSE(long_one("GET", "/v1/status"));
  EXPECT_FALSE(long_one("POST", "/v1/images/web"));
  EXPECT_FALSE(long_one("GET", "/"));
}

}  // namespace
}  // namespace weft::tools
