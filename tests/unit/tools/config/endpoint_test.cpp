// SPDX-License-Identifier: Apache-2.0
#include "tools/config/endpoint.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(Endpoint, forms_people_write) {
  EXPECT_EQ(parse_endpoint("node-a").value(), (Endpoint{"node-a", default_port}));
  EXPECT_EQ(parse_endpoint("10.0.0.1:80").value(), (Endpoint{"10.0.0.1", 80}));
  EXPECT_EQ(parse_endpoint("[::1]:9").value(), (Endpoint{"::1", 9}));
  EXPECT_EQ(parse_endpoint("fe80::2").value(), (Endpoint{"fe80::2", default_port}));
}

TEST(Endpoint, refuses_what_cannot_be_one) {
  for (const char* text :
       {"", ":7440", "a:", "a:b", "a:70000", "a:-1", "[::1", "[::1]x", "a b:1", "http://a:1"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(Errc::bad_config)) << text;
  }
}

TEST(Endpoint, text_is_read_back) {
  for (const char* text : {"node-a:1", "10.0.0.1:7440", "[::1]:65535"}) {
    EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
  }
}

TEST(Endpoint, loopback_is_judged_by_address_not_by_prefix_of_a_name) {
  EXPECT_TRUE(is_loopback({"127.0.0.1", 1}));
  EXPECT_TRUE(is_loopback({"127.8.8.8", 1}));
  EXPECT_TRUE(is_loopback({"::1", 1}));
  EXPECT_TRUE(is_loopback({"localhost", 1}));
  EXPECT_FALSE(is_loopback({"127.evil.example", 1}));
  EXPECT_FALSE(is_loopback({"0.0.0.0", 1}));
  EXPECT_FALSE(is_loopback({"::", 1}));
}

}  // namespace
}  // namespace weft::tools
