// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

TEST_F(BootTest, detached_file_boots_with_the_network_gone_and_no_daemon) {
  add_holder();
  b_.start();
  const auto fetched =
      b_.weft({"materialize", "guest", "--peer", relays_[0]->address()}, std::chrono::minutes(5));
  ASSERT_TRUE(fetched.status.ok()) << fetched.err;
  relays_.clear();
  holders_.clear();
  const auto disk = scratch_ / "guest.raw";
  const auto detached = b_.weft({"detach", "guest", "--to", disk}, std::chrono::minutes(5));
  ASSERT_TRUE(detached.status.ok()) << detached.err;
  const auto image = b_.query({"show", "guest"});
  EXPECT_TRUE(detached.out.contains(std::string(image.at("root").as_string()))) << detached.out;
  b_.stop();
  std::filesystem::remove_all(b_.state());

  const auto compared = run({"cmp", disk, image_}, std::chrono::minutes(5));
  EXPECT_TRUE(compared.status.ok()) << compared.out << compared.err;
  Guest guest(disk);
  ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
  EXPECT_EQ(guest.disk_errors(), "");
}

}  // namespace
}  // namespace weft::testing
