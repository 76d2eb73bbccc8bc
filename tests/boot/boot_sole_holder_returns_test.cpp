// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(BootTest, reads_hold_while_the_only_holder_is_dead_and_the_boot_ends_well_when_it_returns) {
  auto& holder = add_holder();
  const auto disk = mount();
  Guest guest(disk);
  ASSERT_TRUE(guest.wait_for("Welcome to", Guest::patience)) << guest.console();
  ASSERT_FALSE(guest.ready());
  holder.kill_all();

  // The guest sees a slow disk, not an error: its read is listed as waiting, and it stays so.
  const auto waiting = [this] {
    return b_.query({"status"}).at("mounts").at(0).at("waiting").as_array().size();
  };
  for (int i = 0; i < 200 && waiting() == 0; ++i)
    ASSERT_FALSE(guest.wait_for(Guest::ready_marker, 100ms))
        << "needed nothing any more: kill earlier";
  ASSERT_GT(waiting(), 0U);
  EXPECT_FALSE(guest.wait_for(Guest::ready_marker, 3s));
  EXPECT_GT(waiting(), 0U);
  EXPECT_TRUE(guest.running());

  holder.start();
  ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
  EXPECT_EQ(guest.disk_errors(), "");
  EXPECT_EQ(failed_reads(), 0U);
  expect_all_blocks_equal(disk);
}

}  // namespace
}  // namespace weft::testing
