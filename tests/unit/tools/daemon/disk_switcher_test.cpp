// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/disk_switcher.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(DiskSwitcher, switches_only_what_is_open_otherwise_and_could_be_passed_through) {
  const struct {
    const char* what;
    fs::OpensStatus opens;
    bool worth;
  } rows[] = {
      {"nothing is open", {{}, "", true}, false},
      {"all is passed through", {{.passthrough = 2}, "", true}, false},
      {"open with O_DIRECT", {{.direct = 1}, "", true}, true},
      {"one of two", {{.direct = 1, .passthrough = 1}, "", true}, true},
      {"cached, perhaps QEMU's own", {{.cached = 1}, "cached opens are held", true}, true},
      {"not whole yet", {{.cached = 1}, "the pack is not the whole image yet", false}, false},
      {"switched off", {{.direct = 1}, "passthrough is off", false}, false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(is_worth_a_switch(row.opens), row.worth) << row.what;
}

}  // namespace
}  // namespace weft::tools
