// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(BootTest, guest_sees_no_error_when_the_worker_under_its_mount_is_killed_in_the_middle) {
  add_holder();
  const auto disk = mount();
  Guest guest(disk);
  ASSERT_TRUE(guest.wait_for("Welcome to", Guest::patience)) << guest.console();
  ASSERT_FALSE(guest.ready());
  const auto resident = [this] {
    const auto blocks = b_.query({"status"}).at("images").at(0).at("blocks");
    return blocks.at("resident").to_number<std::uint64_t>();
  };
  const auto before = resident();
  ASSERT_GT(before, 0U);
  const auto old = b_.kill_worker();
  ASSERT_TRUE(b_.wait_for_new_worker(old, 20s)) << b_.log();
  EXPECT_GE(resident(), before) << "what was resident is still there";

  ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
  EXPECT_EQ(guest.disk_errors(), "");
  EXPECT_EQ(failed_reads(), 0U);
  expect_all_blocks_equal(disk);
}

}  // namespace
}  // namespace weft::testing
