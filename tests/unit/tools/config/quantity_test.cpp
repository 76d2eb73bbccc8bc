// SPDX-License-Identifier: Apache-2.0
#include "tools/config/quantity.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(Size, reads_binary_and_decimal_units) {
  const struct {
    const char* text;
    std::uint64_t bytes;
  } rows[] = {{"0", 0},
              {"4096", 4096},
              {"512KiB", 512u << 10},
              {"2GiB", 2ull << 30},
              {"2 gib", 2ull << 30},
              {"1.5TiB", 3ull << 39},
              {"10MB", 10'000'000},
              {"7g", 7ull << 30}};
  for (const auto& row : rows) {
    const auto parsed = parse_size(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->value(), row.bytes) << row.text;
  }
}

TEST(Size, refuses_what_is_not_one_and_shows_how) {
  for (const char* text : {"", "GiB", "-1", "1e3", "2 GiB x", "nan", "9999999TiB", "2GBi"}) {
    const auto parsed = parse_size(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().is(Errc::bad_config));
    EXPECT_TRUE(parsed.error().detail.contains("2GiB")) << parsed.error().detail;
  }
}

TEST(Rate, reads_bits_and_bytes_per_second) {
  const struct {
    const char* text;
    double bytes;
  } rows[] = {{"100Mbit", 12.5e6}, {"1Gbit", 125e6},      {"64kbit/s", 8000}, {"1.5 gbit", 187.5e6},
              {"10MiB", 10 << 20}, {"10MiB/s", 10 << 20}, {"12.5MB", 12.5e6}, {"0", 0}};
  for (const auto& row : rows) {
    const auto parsed = parse_rate(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_DOUBLE_EQ(*parsed, row.bytes) << row.text;
  }
  for (const char* text : {"", "fast", "-1Mbit", "100Mbits/h", "/s", "Mbit"}) {
    const auto parsed = parse_rate(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().detail.contains("100Mbit")) << parsed.error().detail;
  }
}

TEST(Duration, needs_a_unit_unless_zero) {
  EXPECT_EQ(parse_duration("10min").value(), 10min);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("1.5h").value(), 90min);
  EXPECT_EQ(parse_duration("0").value(), 0ns);
  EXPECT_FALSE(parse_duration("10"));
  EXPECT_FALSE(parse_duration("10 parsecs"));
}

TEST(Duration, exact_text_is_read_back) {
  for (const Duration d : {Duration(250ms), Duration(10min), Duration(0s)}) {
    EXPECT_EQ(parse_duration(exact_duration(d)).value(), d);
  }
}

TEST(Format, sizes_have_one_decimal_and_never_1024_of_a_unit) {
  EXPECT_EQ(format_size(ByteCount(0)), "0 B");
  EXPECT_EQ(format_size(ByteCount(1023)), "1023 B");
  EXPECT_EQ(format_size(ByteCount(4096)), "4.0 KiB");
  EXPECT_EQ(format_size(ByteCount((1u << 20) - 1)), "1.0 MiB");
  EXPECT_EQ(format_size(ByteCount(3ull << 39)), "1.5 TiB");
  EXPECT_EQ(format_rate(12.5e6), "11.9 MiB/s");
  EXPECT_EQ(format_rate(-1), "0 B/s");
}

TEST(Format, durations_show_two_leading_units) {
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(45s), "45s");
  EXPECT_EQ(format_duration(200s), "3min 20s");
  EXPECT_EQ(format_duration(2h), "2h");
  EXPECT_EQ(format_duration(2h + 5min + 7s), "2h 5min");
  EXPECT_EQ(format_duration(99h), "4d 3h");
  EXPECT_EQ(format_duration(-5s), "0ms");
}

}  // namespace
}  // namespace weft::tools
