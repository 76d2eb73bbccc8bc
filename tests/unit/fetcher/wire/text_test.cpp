// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/text.h"

#include <gtest/gtest.h>

namespace weft::fetcher::wire {
namespace {

TEST(WireText, clean_is_valid_utf8_without_control_characters) {
  for (const char* text : {"", "deb12", "Zürich", "日本", "\U0001F600", "a b~"}) {
    EXPECT_TRUE(is_clean_text(text)) << text;
  }
  for (const char* text :
       {"a\n", "\x1b[31m", "\x7f", "\xc2\x85", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "a\xff"}) {
    EXPECT_FALSE(is_clean_text(text)) << text;
  }
}

TEST(WireText, cleaning_replaces_bytes_and_never_cuts_a_character) {
  EXPECT_EQ(cleaned("a\nb\xff", 10), "a?b?");
  EXPECT_EQ(cleaned("Zürich", 2), "Z");
  EXPECT_EQ(cleaned("Zürich", 3), "Zü");
  EXPECT_TRUE(is_clean_text(cleaned("\xed\xa0\x80\x1b[0m", 100)));
}

}  // namespace
}  // namespace weft::fetcher::wire
