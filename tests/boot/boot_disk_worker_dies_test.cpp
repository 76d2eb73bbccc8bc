// SPDX-License-Identifier: Apache-2.0
#include "tests/boot/boot_fixture.h"

#include <boost/json.hpp>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(BootTest,
       guest_on_a_disk_sees_no_error_when_workers_die_and_its_file_system_survives_a_cut) {
  add_holder();
  b_.start();
  const auto target = scratch_ / "b" / "mounted";
  std::filesystem::create_directories(target);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"disk", "create", "vm", "--image", "guest", "--peer",
                                 relays_.front()->address()},
        {"mount", "vm", target}}) {
    const auto done = b_.weft(command);
    ASSERT_TRUE(done.status.ok()) << done.err;
  }
  const auto disk = target / "vm.raw";
  {
    Guest guest(disk, "cache=none,aio=io_uring,discard=unmap");
    ASSERT_TRUE(guest.wait_for("Welcome to", Guest::patience)) << guest.console();
    for (int i = 0; i < 3 && !guest.ready(); ++i) {
      const auto old = b_.kill_worker();
      ASSERT_TRUE(b_.wait_for_new_worker(old, 20s)) << b_.log();
      static_cast<void>(guest.wait_for(Guest::ready_marker, 2s));
    }
    ASSERT_TRUE(guest.wait_until_ready(Guest::patience)) << guest.console();
    EXPECT_EQ(guest.disk_errors(), "");
    EXPECT_EQ(failed_reads(), 0U);
  }
  // The guest ended in the middle of everything. 1: the journal was replayed.
  const auto attached = run({"losetup", "--show", "--find", "--offset=1048576", disk});
  ASSERT_TRUE(attached.status.ok()) << attached.err;
  const auto partition = attached.out.substr(0, attached.out.find('\n'));
  const auto replayed = run({"e2fsck", "-p", partition}, 2min);
  EXPECT_LE(replayed.status.code, 1) << replayed.out << replayed.err;
  const auto checked = run({"e2fsck", "-fn", partition}, 2min);
  EXPECT_EQ(checked.status.code, 0) << checked.out << checked.err;
  EXPECT_TRUE(run({"losetup", "--detach", partition}).status.ok());
  EXPECT_GT(b_.query({"disk", "show", "vm"}).at("written").to_number<std::uint64_t>(), 0U);
}

}  // namespace
}  // namespace weft::testing
