// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/mount_record.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(MountRecord, comes_back_as_it_was_kept) {
  MountRecord record;
  record.image.bytes[3] = 7;
  record.name = "web \"quoted\"";
  record.kind = fs::TargetKind::file;
  record.policy = {fs::WhenMissing::eagain, 1500ms};
  record.prefetch = Prefetch::off;
  record.monitors = {"/run/vm1.qmp", "/run/vm2.qmp"};
  const auto again = decode_mount_record(encode(record));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->image, record.image);
  EXPECT_EQ(again->name, record.name);
  EXPECT_EQ(again->kind, record.kind);
  EXPECT_EQ(again->policy.when_missing, record.policy.when_missing);
  EXPECT_EQ(again->policy.deadline, record.policy.deadline);
  EXPECT_EQ(again->prefetch, Prefetch::off);
  EXPECT_EQ(again->monitors, record.monitors);
}

TEST(MountRecord, of_a_version_without_prefetch_and_monitors_is_as_a_new_mount) {
  const std::string text =
      R"({"image":")" + std::string(64, 'a') + R"(","name":"web","policy":"hold","hold_ms":5})";
  const auto record = decode_mount_record(text);
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->prefetch, Prefetch::boot);
  EXPECT_TRUE(record->monitors.empty());
}

TEST(MountRecord, damage_is_noticed) {
  const std::string id(64, 'a');
  for (const std::string& text :
       {std::string(""), std::string("[]"), std::string("{}"),
        R"({"image":"xyz","policy":"hold","hold_ms":5})" + std::string(),
        R"({"image":")" + id + R"(","policy":"wait","hold_ms":5})",
        R"({"image":")" + id + R"(","policy":"hold","hold_ms":-5})",
        R"({"image":")" + id + R"(","policy":"hold","hold_ms":5,"qmp":7})",
        R"({"image":")" + id + R"(","policy":"hold"})"}) {
    const auto record = decode_mount_record(text);
    ASSERT_FALSE(record) << text;
    EXPECT_TRUE(record.error().is(Errc::damaged_state));
  }
}

}  // namespace
}  // namespace weft::tools
