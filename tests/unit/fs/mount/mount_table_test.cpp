// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::fs {
namespace {

MountTable table_of(const std::string& text) {
  auto table = MountTable::parse(text);
  EXPECT_TRUE(table.has_value()) << table.error().message();
  return table.value_or(MountTable{});
}

constexpr const char* machine =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
    "30 27 0:40 / /mnt rw - tmpfs tmpfs rw\n"
    "31 30 0:52 / /mnt/vm ro,nosuid,nodev shared:7 master:2 - fuse.weft weft ro,user_id=0\n"
    "32 27 0:53 / /srv/my\\040disks\\011\\134x rw - fuse.sshfs host:/a\\040b rw\n";

TEST(MountTable, fields_and_escapes_are_read) {
  const MountTable table = table_of(machine);
  ASSERT_EQ(table.entries().size(), 5U);
  const MountEntry& weft = table.entries()[3];
  EXPECT_EQ(weft.id, 31U);
  EXPECT_EQ(weft.parent, 30U);
  EXPECT_EQ(weft.device, (DeviceId{0, 52}));
  EXPECT_EQ(weft.device.to_string(), "0:52");
  EXPECT_EQ(weft.options, "ro,nosuid,nodev");
  EXPECT_TRUE(weft.is_weft());
  EXPECT_EQ(weft.source, "weft");
  const MountEntry& escaped = table.entries()[4];
  EXPECT_EQ(escaped.point, "/srv/my disks\t\\x");
  EXPECT_EQ(escaped.source, "host:/a b");
  EXPECT_FALSE(escaped.is_weft());
  EXPECT_TRUE(escaped.may_hang());
}

TEST(MountTable, a_source_may_be_empty) {
  EXPECT_EQ(table_of("5 1 0:9 / /a rw - tmpfs  rw\n").entries()[0].source, "");
}

TEST(MountTable, malformed_lines_are_named) {
  for (const char* line :
       {"x 1 0:9 / /a rw - t s rw", "1 1 09 / /a rw - t s rw", "1 1 0:9 / /a rw", "1", " ",
        "1 1 0:9 / a rw - t s rw", "1 1 0:9 / /a rw - ", "1 1 0:99999999999 / /a rw - t s rw"}) {
    const auto table = MountTable::parse("5 1 0:9 / /a rw - tmpfs s rw\n" + std::string(line));
    ASSERT_FALSE(table.has_value()) << line;
    EXPECT_TRUE(table.error().is(Errc::bad_request));
    EXPECT_TRUE(table.error().detail.contains("line 2")) << table.error().detail;
  }
}

TEST(MountTable, a_path_is_held_by_the_nearest_mount_above_it) {
  const MountTable table = table_of(machine);
  const auto holder = [&](const char* path) {
    const MountEntry* entry = table.holding(path);
    return entry == nullptr ? std::string() : entry->point;
  };
  EXPECT_EQ(holder("/"), "/");
  EXPECT_EQ(holder("/mntx/vm"), "/");
  EXPECT_EQ(holder("/mnt"), "/mnt");
  EXPECT_EQ(holder("/mnt/vmx"), "/mnt");
  EXPECT_EQ(holder("/mnt/vm/a/b"), "/mnt/vm");
  EXPECT_EQ(table.at("/mnt/vm/a"), nullptr);
  ASSERT_NE(table.at("/mnt/vm"), nullptr);
  EXPECT_EQ(table.at("/mnt/vm")->id, 31U);
}

TEST(MountTable, the_mount_on_top_is_seen) {
  const MountTable table = table_of(
      "27 1 254:0 / / rw - ext4 d rw\n"
      "30 27 0:40 / /mnt rw - tmpfs first rw\n"
      "31 30 0:41 / /mnt rw - tmpfs second rw\n");
  EXPECT_EQ(table.at("/mnt")->source, "second");
}

TEST(MountTable, a_mount_below_a_covered_directory_is_not_seen) {
  const MountTable table = table_of(
      "27 1 254:0 / / rw - ext4 d rw\n"
      "30 27 0:40 / /a/b rw - fuse.weft weft rw\n"
      "31 27 0:41 / /a rw - tmpfs cover rw\n");
  EXPECT_EQ(table.at("/a/b"), nullptr);
  EXPECT_EQ(table.holding("/a/b/c")->source, "cover");
  EXPECT_EQ(table.of_device({0, 40}).size(), 1U);
}

TEST(MountTable, cycles_of_a_damaged_table_end) {
  const MountTable table = table_of(
      "1 2 0:1 / / rw - t s rw\n"
      "2 1 0:2 / / rw - t s rw\n"
      "3 3 0:3 / / rw - t s rw\n");
  EXPECT_NE(table.holding("/x"), nullptr);
}

TEST(MountTable, without_a_root_nothing_holds_a_path) {
  EXPECT_EQ(MountTable{}.holding("/a"), nullptr);
  EXPECT_EQ(MountTable{}.at("/"), nullptr);
}

TEST(MountTable, this_process_has_a_root_and_proc) {
  const auto table = MountTable::read();
  ASSERT_TRUE(table.has_value()) << table.error().message();
  ASSERT_NE(table->at("/proc"), nullptr);
  EXPECT_EQ(table->at("/proc")->type, "proc");
}

TEST(IsWithin, compares_whole_components) {
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_TRUE(is_within("/", "/"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
}

}  // namespace
}  // namespace weft::fs
