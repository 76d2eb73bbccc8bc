// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/table.h"

#include "tools/cli/short_ids.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(Table, columns_fit_their_widest_cell_and_lines_end_without_blanks) {
  Table table({{"NAME"}, {"SIZE", Table::Align::right}, {"NOTE"}});
  table.add({"a", "1.0 GiB", ""});
  table.add({"longer-name", "5 B", "x"});
  table.add({"short"});
  EXPECT_EQ(table.text(),
            "NAME            SIZE  NOTE\n"
            "a            1.0 GiB\n"
            "longer-name      5 B  x\n"
            "short\n");
}

TEST(Table, counts_characters_not_bytes) {
  Table table({{"A"}, {"B"}});
  table.add({"é", "1"});
  table.add({"ee", "2"});
  EXPECT_EQ(table.text("  "), "  A   B\n  é   1\n  ee  2\n");
}

TEST(ShortIds, grow_until_they_differ) {
  EXPECT_EQ(unambiguous_length({}), 12u);
  EXPECT_EQ(unambiguous_length({std::string(64, 'a')}), 12u);
  EXPECT_EQ(unambiguous_length({std::string(20, 'a') + "b", std::string(20, 'a') + "c"}), 21u);
  EXPECT_EQ(unambiguous_length({"same", "same"}, 2), 2u) << "two names of one image";
  EXPECT_EQ(unambiguous_length({"abcd", "abxx", "zzzz"}, 1), 3u);
}

}  // namespace
}  // namespace weft::tools
