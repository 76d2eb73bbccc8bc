// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

TEST_F(BootTest, boot_goes_on_from_the_other_holder_when_one_is_killed_in_the_middle) {
  add_holder();
  add_holder();
  const auto disk = mount();
  Guest guest(disk);
  ASSERT_TRUE(guest.wait_for("Welcome to", Guest::patience)) << guest.console();
  ASSERT_FALSE(guest.ready());
  // The one that has given more is the one the boot leans on.
  const std::size_t victim = received_through(0) >= received_through(1) ? 0 : 1;
  const auto survivor_before = received_through(1 - victim);
  holders_[victim]->kill_all();
  relays_[victim]->command("down");

  ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
  EXPECT_EQ(guest.disk_errors(), "");
  EXPECT_EQ(failed_reads(), 0U);
  EXPECT_GT(received_through(1 - victim), survivor_before);
  expect_all_blocks_equal(disk);
}

}  // namespace
}  // namespace weft::testing
