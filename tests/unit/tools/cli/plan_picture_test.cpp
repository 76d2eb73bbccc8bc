// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/plan_picture.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace weft::tools {
namespace {

boost::json::object parse(const char* text) {
  return boost::json::parse(text).as_object();
}

// Two that send, one of them late and with a pause; one that is not used.
boost::json::object three_sources() {
  return parse(R"({"sources": [
    {"address": "rack3-7:7117", "bytes": 1288490188, "finish": 40.0, "cost": 0.09,
     "tiers": [{"tier": 1, "bytes": 100, "finish": 10.0}, {"tier": 3, "bytes": 9, "finish": 40.0}],
     "segments": [{"begin": 0.0, "end": 40.0, "bytes": 109}],
     "why": "fastest, 61 % of tier 1"},
    {"address": "edge:7117", "bytes": 10485760, "finish": 30.0, "cost": 0,
     "tiers": [{"tier": 2, "bytes": 10, "finish": 30.0}],
     "segments": [{"begin": 10.0, "end": 20.0, "bytes": 5}, {"begin": 25.0, "end": 30.0, "bytes": 5}],
     "why": "all of tier 2"},
    {"address": "far:7117", "bytes": 0, "finish": 0, "cost": 0, "tiers": [], "segments": [],
     "why": "not used: dearer, and not needed"}]})");
}

TEST(PlanPicture, bars_show_tiers_over_time) {
  EXPECT_EQ(plan_picture(three_sources(), 60, true),
            "              0                     40s\n"
            "rack3-7:7117  ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒   1.2 GiB  40s  0.09\n"
            "  fastest, 61 % of tier 1\n"
            "edge:7117           ▓▓▓▓▓▓▓  ▓▓▓▓        10.0 MiB  30s     0\n"
            "  all of tier 2\n"
            "far:7117      not used: dearer, and not needed\n"
            "tier 1 █ 2 ▓ 3 ▒\n");
}

TEST(PlanPicture, without_utf8_tiers_are_digits) {
  const std::string text = plan_picture(three_sources(), 60, false);
  EXPECT_TRUE(
      std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  EXPECT_NE(text.find("1111"), std::string::npos);
  EXPECT_NE(text.find("3333"), std::string::npos);
}

TEST(PlanPicture, no_line_is_wider_than_the_terminal) {
  auto plan = three_sources();
  auto& first = plan["sources"].as_array()[0].as_object();
  first["address"] = std::string(200, 'x') + "\n\x1b[31m";
  first["why"] = std::string(300, 'y');
  for (const int columns : {-1, 0, 40, 41, 60, 80, 200}) {
    for (const bool utf8 : {false, true}) {
      std::istringstream lines(plan_picture(plan, columns, utf8));
      for (std::string line; std::getline(lines, line);) {
        const auto characters = std::ranges::count_if(
            line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
        EXPECT_LE(characters, std::max(columns, 40)) << line;
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
      }
    }
  }
}

TEST(PlanPicture, nothing_sent_or_nonsense_draws_nothing) {
  EXPECT_EQ(plan_picture(parse("{}"), 80, true), "");
  EXPECT_EQ(
      plan_picture(parse(R"({"sources": [1, null, {"bytes": "x", "segments": 3}]})"), 80, true),
      "");
  EXPECT_EQ(
      plan_picture(parse(R"({"sources": [{"bytes": 5, "segments": [{"begin": 9, "end": 1}]}]})"),
                   80, true),
      "");
}

TEST(PlanPicture, locales_are_told_apart) {
  EXPECT_TRUE(is_utf8_locale("de_DE.UTF-8"));
  EXPECT_TRUE(is_utf8_locale("C.utf8"));
  EXPECT_FALSE(is_utf8_locale("C"));
  EXPECT_FALSE(is_utf8_locale(""));
}

}  // namespace
}  // namespace weft::tools
