// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/mount_options.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(MountOptions, mean_what_the_flags_mean) {
  MountFlags flags;
  ASSERT_TRUE(apply_mount_options(
      flags,
      "ro,peer=a:1,peer=[::1]:2,policy=eio,hold=30s,prefetch=boot,materialize,create,qmp=/run/a"));
  EXPECT_EQ(flags.peers, (std::vector<std::string>{"a:1", "[::1]:2"}));
  EXPECT_EQ(flags.policy, "eio");
  EXPECT_EQ(flags.hold, "30s");
  EXPECT_EQ(flags.prefetch, "boot");
  EXPECT_TRUE(flags.materialize);
  EXPECT_TRUE(flags.create);
  EXPECT_EQ(flags.qmp, std::vector<std::string>{"/run/a"});
}

TEST(MountOptions, what_fstab_carries_is_accepted) {
  MountFlags flags;
  EXPECT_TRUE(apply_mount_options(
      flags, "ro,nofail,_netdev,nosuid,nodev,x-systemd.automount,x-systemd.device-timeout=5"));
  EXPECT_TRUE(apply_mount_options(flags, ""));
  EXPECT_TRUE(apply_mount_options(flags, ",,ro,"));
}

TEST(MountOptions, unknown_ones_are_refused) {
  for (const char* list :
       {"rw", "peer", "peer=", "polcy=eio", "prefetch", "ro=1", "materialize=yes"}) {
    MountFlags flags;
    const auto applied = apply_mount_options(flags, list);
    ASSERT_FALSE(applied) << list;
    EXPECT_TRUE(applied.error().is(Errc::bad_request));
  }
}

}  // namespace
}  // namespace weft::tools
