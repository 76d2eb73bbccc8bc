// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

TEST_F(BootTest, guest_is_ready_long_before_its_image_is_here_and_all_blocks_equal_afterwards) {
  add_holder();
  const auto disk = mount();
  Guest guest(disk);
  ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
  EXPECT_EQ(guest.disk_errors(), "");
  // It was a lazy boot: no more than part of the image has come over the link.
  const auto status = b_.query({"status"});
  EXPECT_LT(status.at("images").at(0).at("percent").to_number<double>(), 100);
  EXPECT_GT(received_through(0), std::uint64_t{10} << 20);
  EXPECT_EQ(failed_reads(), 0U);
  expect_all_blocks_equal(disk);
}

}  // namespace
}  // namespace weft::testing
