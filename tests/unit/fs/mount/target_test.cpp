// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/target.h"

#include "fs/mount/mount_users.h"
#include "fs/mount/path_walk.h"
#include "fs/mount/probe.h"
#include "tests/support/fs/mount_sandbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;

class TargetTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return (root_ / name).string(); }

  testing::MountSandbox sandbox_;
  const std::filesystem::path root_ = std::filesystem::canonical(sandbox_.path());
};

TEST_F(TargetTest, an_empty_directory_is_a_directory_target) {
  sandbox_.directory("empty");
  const auto target = prepare_target(path("empty"), {});
  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->path, path("empty"));
  EXPECT_EQ(target->kind, TargetKind::directory);
  EXPECT_FALSE(target->created);
}

TEST_F(TargetTest, a_regular_file_is_a_file_target) {
  sandbox_.file("disk.raw", "content does not matter");
  const auto target = prepare_target(path("disk.raw"), {});
  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->kind, TargetKind::file);
}

TEST_F(TargetTest, symlinks_and_dots_are_resolved) {
  sandbox_.directory("a/real");
  std::filesystem::create_symlink("a", root_ / "relative");
  std::filesystem::create_symlink(root_ / "relative/real/../real", root_ / "absolute");
  const auto target = prepare_target(path("./absolute/."), {});
  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->path, path("a/real"));
}

TEST_F(TargetTest, a_relative_path_starts_at_the_working_directory) {
  const auto walked = walk_path("no-such-entry", 1s);
  ASSERT_TRUE(walked.has_value()) << walked.error().message();
  EXPECT_FALSE(walked->exists);
  EXPECT_EQ(walked->path, (std::filesystem::current_path() / "no-such-entry").string());
}

TEST_F(TargetTest, dots_never_lead_above_the_root) {
  const auto walked = walk_path("/../../", 1s);
  ASSERT_TRUE(walked.has_value());
  EXPECT_EQ(walked->path, "/");
}

TEST_F(TargetTest, a_missing_directory_is_made_only_on_request) {
  const auto refused = prepare_target(path("new"), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is(Errc::bad_target));
  EXPECT_FALSE(std::filesystem::exists(path("new")));

  const auto made = prepare_target(path("new"), {.create = true});
  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_TRUE(made->created);
  EXPECT_TRUE(std::filesystem::is_directory(path("new")));
}

struct BadTarget {
  const char* path;
  const char* says;
};

TEST_F(TargetTest, unusable_targets_are_refused_with_the_reason) {
  sandbox_.directory("full/inner");
  sandbox_.file("plain");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("loop", root_ / "loop");
  std::filesystem::create_symlink("nowhere/deep", root_ / "dangling");
  for (const auto& [name, says] : {BadTarget{"full", "not empty"},
                                   {"fifo", "neither"},
                                   {"missing/child", "No such file"},
                                   {"plain/child", "Not a dir"},
                                   {"loop", "symbolic links"},
                                   {"dangling", "No such file"}}) {
    const auto target = prepare_target(path(name), {.create = true});
    ASSERT_FALSE(target.has_value()) << name;
    EXPECT_TRUE(target.error().is(Errc::bad_target)) << name;
    EXPECT_TRUE(target.error().detail.contains(says)) << target.error().detail;
  }
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string(5000, 'x')}) {
    EXPECT_FALSE(prepare_target(name, {}).has_value());
  }
}

TEST_F(TargetTest, the_state_directory_is_no_place_for_a_mount) {
  sandbox_.directory("state/packs");
  std::filesystem::create_symlink("state", root_ / "alias");
  TargetOptions options;
  options.forbidden = {path("state")};
  options.create = true;
  for (const char* name : {"state", "state/packs", "alias/new"}) {
    const auto target = prepare_target(path(name), options);
    ASSERT_FALSE(target.has_value()) << name;
    EXPECT_TRUE(target.error().is(Errc::bad_target));
  }
  EXPECT_FALSE(std::filesystem::exists(path("state/new")));
}

TEST_F(TargetTest, a_target_that_carries_another_mount_is_refused) {
  const auto target = prepare_target("/proc", {});
  ASSERT_FALSE(target.has_value());
  EXPECT_TRUE(target.error().is(Errc::already_mounted));
  EXPECT_TRUE(target.error().detail.contains("proc")) << target.error().detail;
}

TEST_F(TargetTest, a_healthy_file_system_answers_the_probe) {
  EXPECT_EQ(probe(path(""), 5s), Liveness::answers);
  EXPECT_EQ(probe(path("missing"), 5s), Liveness::answers);
}

TEST_F(TargetTest, processes_with_open_files_are_found) {
  sandbox_.directory("in-use");
  sandbox_.file("in-use/file");
  const UniqueFd open(::open(path("in-use/file").c_str(), O_RDONLY | O_CLOEXEC));
  MountEntry entry;
  entry.device = {0xffff, 0xffff};  // only open files count here, no mappings
  entry.point = path("in-use");
  const auto users = users_of(entry, 8, 10s);
  const auto self = std::ranges::find(users, ::getpid(), &MountUser::pid);
  ASSERT_NE(self, users.end());
  EXPECT_FALSE(self->command.empty());
  entry.point = path("elsewhere");
  EXPECT_TRUE(users_of(entry, 8, 10s).empty());
}

TEST(MountUsers, are_named_in_words) {
  EXPECT_EQ(describe({}), "in use");
  EXPECT_EQ(describe({{7, "cp"}, {8, "qemu"}}), "in use by cp (pid 7), qemu (pid 8)");
}

}  // namespace
}  // namespace weft::fs
