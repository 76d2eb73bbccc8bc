// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"
#include "fs/mount/probe.h"
#include "fs/mount/target.h"
#include "fs/mount/unmount.h"
#include "fs/supervisor/direct_keeper.h"
#include "fs/supervisor/fuse_mount.h"
#include "fs/supervisor/mount_registry.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/raw_fuse.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::RawFuseServer;

/// A mount made in this very process.
class DirectMount {
 public:
  explicit DirectMount(const std::string& target, TargetKind kind = TargetKind::directory) {
    auto handle = keeper_->mount({target, kind, "state"}, 2);
    EXPECT_TRUE(handle.has_value()) << handle.error().message();
    if (handle) handle_ = std::move(*handle);
  }
  ~DirectMount() { end(); }
  DirectMount(const DirectMount&) = delete;
  DirectMount& operator=(const DirectMount&) = delete;

  void serve() {
    server_ =
        std::make_unique<RawFuseServer>(std::move(handle_), [](std::uint64_t) { return false; });
    key_ = server_->handle().key;
    server_->start();
  }
  Result<void> unmount(bool force) { return keeper_->unmount(key_, force); }
  /// As a crash does: every descriptor is closed, the mount stays.
  void crash() {
    handle_ = {};
    keeper_.reset();
  }
  void end() {
    if (server_ == nullptr) return;
    static_cast<void>(unmount(true));
    server_->join();
    server_.reset();
  }

 private:
  std::unique_ptr<MountKeeper> keeper_ = make_direct_mount_keeper();
  MountHandle handle_;
  MountKey key_{};
  std::unique_ptr<RawFuseServer> server_;
};

class TargetFuseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
  }
  testing::MountSandbox sandbox_;
};

TEST_F(TargetFuseTest, a_stale_mount_is_detached_and_its_target_used_again) {
  const std::string target = sandbox_.directory("target");
  DirectMount(target).crash();
  ASSERT_EQ(probe(target, 5s), Liveness::dead);
  const auto prepared = prepare_target(target, {});
  ASSERT_TRUE(prepared.has_value()) << prepared.error().message();
  EXPECT_EQ(prepared->kind, TargetKind::directory);
  EXPECT_EQ(MountTable::read()->at(target), nullptr);
}

TEST_F(TargetFuseTest, stale_mounts_on_top_of_each_other_are_all_detached) {
  const std::string target = sandbox_.file("disk.raw");
  {
    const auto below = open_fuse_mount(target, TargetKind::file, 1);
    ASSERT_TRUE(below.has_value());
    const UniqueFd above(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    const std::string options =
        "fd=" + std::to_string(above.get()) + ",rootmode=100000,user_id=0,group_id=0";
    ASSERT_EQ(::mount("weft", target.c_str(), "fuse.weft", 0, options.c_str()), 0);
  }
  const auto prepared = prepare_target(target, {});
  ASSERT_TRUE(prepared.has_value()) << prepared.error().message();
  EXPECT_EQ(MountTable::read()->at(target), nullptr);
}

TEST_F(TargetFuseTest, a_mount_that_is_served_is_left_alone) {
  const std::string target = sandbox_.directory("target");
  DirectMount mount(target);
  mount.serve();
  const auto prepared = prepare_target(target, {});
  ASSERT_FALSE(prepared.has_value());
  EXPECT_TRUE(prepared.error().is(Errc::already_mounted));
  EXPECT_TRUE(std::filesystem::exists(target + "/" + testing::raw_image_name));
}

TEST_F(TargetFuseTest, a_mount_that_hangs_is_reported_in_bounded_time_and_left_alone) {
  const std::string target = sandbox_.directory("target");
  const DirectMount mount(target);  // nobody answers it
  TargetOptions options;
  options.probe_deadline = 100ms;
  const auto start = std::chrono::steady_clock::now();
  const auto prepared = prepare_target(target, options);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  ASSERT_FALSE(prepared.has_value());
  EXPECT_TRUE(prepared.error().is(Errc::already_mounted));
  EXPECT_TRUE(prepared.error().detail.contains("does not answer")) << prepared.error().detail;
  EXPECT_NE(MountTable::read()->at(target), nullptr);
}

TEST_F(TargetFuseTest, a_target_inside_a_weft_mount_is_refused_without_touching_it) {
  const std::string outer = sandbox_.directory("outer");
  const DirectMount mount(outer);  // touching it would hang
  std::filesystem::create_directory_symlink(outer, sandbox_.path() / "alias");
  for (const std::string& path : {outer + "/a", (sandbox_.path() / "alias/b").string()}) {
    const auto prepared = prepare_target(path, {.create = true});
    ASSERT_FALSE(prepared.has_value());
    EXPECT_TRUE(prepared.error().is(Errc::bad_target));
    EXPECT_TRUE(prepared.error().detail.contains("weft mount")) << prepared.error().detail;
  }
}

TEST_F(TargetFuseTest, a_foreign_mount_on_the_way_that_hangs_costs_only_the_deadline) {
  const std::string outer = sandbox_.directory("outer");
  const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  const std::string mount_options =
      "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  ASSERT_EQ(::mount("other", outer.c_str(), "fuse.other", 0, mount_options.c_str()), 0);
  TargetOptions options;
  options.probe_deadline = 100ms;
  const auto prepared = prepare_target(outer + "/inside", options);
  ASSERT_FALSE(prepared.has_value());
  EXPECT_TRUE(prepared.error().is(Errc::deadline_passed)) << prepared.error().message();
}

TEST_F(TargetFuseTest, a_busy_mount_names_its_users_until_it_is_forced) {
  const std::string target = sandbox_.file("disk.raw");
  DirectMount mount(target, TargetKind::file);
  mount.serve();
  const UniqueFd open(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
  for (const auto& refused : {mount.unmount(false), unmount_at(target, false)}) {
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(refused.error().is(Errc::target_busy));
    EXPECT_TRUE(refused.error().detail.contains("(pid " + std::to_string(::getpid()) + ")"))
        << refused.error().detail;
  }
  ASSERT_TRUE(mount.unmount(true).has_value());
  char byte = 0;
  EXPECT_EQ(::pread(open.get(), &byte, 1, 0), -1);
  EXPECT_EQ(MountTable::read()->at(target), nullptr);
}

TEST_F(TargetFuseTest, a_covered_mount_is_not_unmounted_through_its_cover) {
  const std::string target = sandbox_.directory("target");
  DirectMount mount(target);
  mount.serve();
  ASSERT_EQ(::mount("cover", target.c_str(), "tmpfs", 0, nullptr), 0);
  const auto refused = mount.unmount(false);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().detail.contains("tmpfs")) << refused.error().detail;
  ASSERT_EQ(::umount2(target.c_str(), 0), 0);
  EXPECT_TRUE(mount.unmount(false).has_value());
}

TEST_F(TargetFuseTest, what_is_not_a_weft_mount_is_not_unmounted) {
  EXPECT_TRUE(unmount_at("/proc", true).error().is(Errc::not_mounted));
  EXPECT_TRUE(unmount_at(sandbox_.directory("plain"), false).error().is(Errc::not_mounted));
}

TEST_F(TargetFuseTest, a_live_mount_is_not_mounted_over) {
  const std::string target = sandbox_.directory("target");
  DirectMount mount(target);
  mount.serve();
  const auto second = make_direct_mount_keeper()->mount({target, TargetKind::directory, ""}, 1);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is(Errc::already_mounted));
}

TEST_F(TargetFuseTest, a_registry_drops_only_mounts_that_are_gone) {
  MountRegistry registry;
  const std::string gone = sandbox_.file("gone");
  const std::string kept = sandbox_.file("kept");
  const auto first = registry.mount({gone, TargetKind::file, ""}, 1);
  const auto second = registry.mount({kept, TargetKind::file, ""}, 1);
  ASSERT_TRUE(first.has_value() && second.has_value());
  const MountKey gone_key = (*first)->key;
  const MountKey kept_key = (*second)->key;
  registry.forget(kept_key);
  EXPECT_EQ(registry.size(), 2U) << "a live mount was forgotten";
  ASSERT_EQ(::umount2(gone.c_str(), 0), 0);
  EXPECT_FALSE(registry.sweep());
  EXPECT_EQ(registry.size(), 1U);
  EXPECT_EQ(registry.find(gone_key), nullptr);
  EXPECT_TRUE(registry.unmount(gone_key, false).error().is(Errc::not_mounted));
  EXPECT_TRUE(registry.unmount(kept_key, false).has_value());
}

TEST_F(TargetFuseTest, a_reused_device_number_is_not_mistaken_for_the_old_mount) {
  MountRegistry registry;
  const std::string old_target = sandbox_.file("old");
  const auto old_mount = registry.mount({old_target, TargetKind::file, ""}, 1);
  ASSERT_TRUE(old_mount.has_value());
  const MountKey key = (*old_mount)->key;
  const DeviceId device = (*old_mount)->fuse.device;
  ASSERT_EQ(::umount2(old_target.c_str(), 0), 0);
  const std::string new_target = sandbox_.file("new");
  auto reuser = open_fuse_mount(new_target, TargetKind::file, 1);
  ASSERT_TRUE(reuser.has_value());
  if (reuser->device != device) GTEST_SKIP() << "the kernel did not reuse the number";
  EXPECT_TRUE(registry.unmount(key, true).has_value());
  EXPECT_NE(MountTable::read()->at(new_target), nullptr);
  EXPECT_TRUE(is_connected(reuser->channels[0]));
}

TEST_F(TargetFuseTest, only_mounts_of_earlier_generations_are_inherited) {
  MountRegistry registry;
  registry.begin_generation();
  const auto mount = registry.mount({sandbox_.file("a"), TargetKind::file, "state"}, 1);
  ASSERT_TRUE(mount.has_value());
  EXPECT_EQ(registry.next_inherited(MountKey{}), nullptr);
  registry.begin_generation();
  ASSERT_NE(registry.next_inherited(MountKey{}), nullptr);
  EXPECT_EQ(registry.next_inherited(MountKey{})->spec.description, "state");
  EXPECT_EQ(registry.next_inherited((*mount)->key), nullptr);
  registry.unmount_all();
  EXPECT_EQ(registry.size(), 0U);
}

}  // namespace
}  // namespace weft::fs
