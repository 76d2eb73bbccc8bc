// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/address.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

struct Row {
  const char* text;
  const char* host;
  std::uint16_t port;
  const char* printed;
};

TEST(Address, is_read_as_people_write_it) {
  constexpr Row rows[] = {
      {"node-a", "node-a", default_port, "node-a:7440"},
      {"node-a.example:1", "node-a.example", 1, "node-a.example:1"},
      {"10.0.0.7", "10.0.0.7", default_port, "10.0.0.7:7440"},
      {"10.0.0.7:65535", "10.0.0.7", 65535, "10.0.0.7:65535"},
      {"[::1]:7441", "::1", 7441, "[::1]:7441"},
      {"[fe80::1%eth0]", "fe80::1%eth0", default_port, "[fe80::1%eth0]:7440"},
      {"::1", "::1", default_port, "[::1]:7440"},
      {"127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"},
  };
  for (const Row& row : rows) {
    const auto address = parse_address(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(address->host, row.host);
    EXPECT_EQ(address->port, row.port);
    EXPECT_EQ(to_string(*address), row.printed);
    EXPECT_EQ(parse_address(to_string(*address)).value(), *address);
  }
}

TEST(Address, what_is_not_one_is_refused_with_the_reason) {
  for (const char* text : {"", ":7440", "a:", "a:b", "a:65536", "a:-1", "a: 1", "[::1", "[]:1",
                           "[::1]7440", "a b", "a/b", "http://a", "a:1\n"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_TRUE(address.error().is(Errc::bad_config)) << text;
    EXPECT_NE(address.error().detail.find("HOST:PORT"), std::string::npos);
  }
  EXPECT_FALSE(parse_address(std::string(300, 'a')));
}

}  // namespace
}  // namespace weft::fetcher
