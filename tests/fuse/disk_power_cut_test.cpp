// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_manager.h"
#include "fs/supervisor/direct_keeper.h"
#include "indexer/core/hash.h"
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/fake_fetcher.h"
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/memory_image.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/faulty_file_system.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// File systems of a guest inside a disk, and the power fails under them.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::run;

struct Guest {
  const char* type;
  std::vector<std::string> make;
  std::vector<std::string> check;
};

/// A disk on a machine whose power can fail, mounted as a node does it.
class DiskPowerCut : public testing::FuseTest, public ::testing::WithParamInterface<Guest> {
 protected:
  static constexpr std::uint64_t size = std::uint64_t{320} << 20;

  void SetUp() override {
    testing::FuseTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(faulty_.make_directory(paths_.directory));
    ASSERT_TRUE(WritableDisk::make_files(faulty_, paths_,
                                         {DiskSerial{}, base_->info().id, ByteCount(size)}));
    ASSERT_TRUE(faulty_.sync_directory(paths_.directory));
    ASSERT_TRUE(faulty_.sync_directory(sandbox_.path()));
  }
  void TearDown() override {
    (void)run({"umount", "-l", guest_});
    if (manager_) (void)manager_->unmount(target_, true);
  }

  /// The machine starts, and mounts the disk.
  void start() {
    ++boots_;
    auto disk = WritableDisk::open(faulty_, paths_, "vm", base_,
                                   sha256(std::as_bytes(std::span(&boots_, 1))));
    ASSERT_TRUE(disk) << disk.error().message();
    manager_ = std::make_unique<MountManager>(*keeper_, fetcher_, MountOptions{});
    target_ = sandbox_.directory("target" + std::to_string(boots_));
    const auto mounted = manager_->mount(
        {.image = base_, .name = "vm", .target = target_, .kind = {}, .policy = {}, .disk = *disk});
    ASSERT_TRUE(mounted) << mounted.error().message();
  }
  void lose_power(std::uint64_t seed) {
    faulty_.power_cut(test::Survival::by_seed, seed);
    (void)run({"umount", "-l", guest_});
    ASSERT_TRUE(manager_->unmount(target_, true));
    manager_.reset();
  }
  [[nodiscard]] std::string file() const { return target_ + "/vm.raw"; }
  bool mount_guest() {
    const auto done = run({"mount", "-t", GetParam().type, "-o", "loop", file(), guest_});
    if (!done.status.ok()) ADD_FAILURE() << done.err;
    return done.status.ok();
  }
  static std::string content_of(std::uint64_t number) {
    return std::string(1000 + number * 7919 % 300'000, static_cast<char>('a' + number % 26));
  }
  /// Writes files until one fails; `synced` counts those that fsync has confirmed.
  void write_files(std::atomic<std::uint64_t>& synced) const {
    for (std::uint64_t i = 0;; ++i) {
      const std::string path = guest_ + "/" + std::to_string(i);
      const UniqueFd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
      const std::string content = content_of(i);
      if (!out || ::write(out.get(), content.data(), content.size()) != std::ssize(content)) return;
      const UniqueFd directory(::open(guest_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (::fsync(out.get()) != 0 || ::fsync(directory.get()) != 0) return;
      synced = i + 1;
    }
  }

  testing::MountSandbox sandbox_;
  test::FaultyFileSystem faulty_;
  const std::shared_ptr<testing::MemoryImage> base_ =
      std::make_shared<testing::MemoryImage>(std::vector<std::byte>(size));
  const DiskPaths paths_{sandbox_.path() / "disk"};
  testing::FakeFetcher fetcher_{[](LocalImage&, BlockRange) -> Result<void> { return {}; }};
  std::unique_ptr<MountKeeper> keeper_ = make_direct_mount_keeper();
  std::unique_ptr<MountManager> manager_;
  const std::string guest_ = sandbox_.directory("guest");
  std::string target_;
  std::uint64_t boots_ = 0;
};

TEST_P(DiskPowerCut, file_system_inside_is_sound_and_has_what_was_synced) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    ASSERT_NO_FATAL_FAILURE(start());
    auto make = GetParam().make;
    make.push_back(file());
    const auto made = run(make);
    ASSERT_TRUE(made.status.ok()) << made.err;
    if (!mount_guest()) return;
    std::atomic<std::uint64_t> synced{0};
    {
      const std::jthread writer([&] { write_files(synced); });
      for (int i = 0; i < 1000 && synced < 20 * seed; ++i)
        std::this_thread::sleep_for(10ms);
      ASSERT_NO_FATAL_FAILURE(lose_power(seed));
    }
    ASSERT_GE(synced, 20 * seed) << "the guest was too slow to tell anything";

    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(mount_guest()) << "the journal cannot be replayed";
    for (std::uint64_t i = 0; i < synced; ++i) {
      std::ifstream in(guest_ + "/" + std::to_string(i), std::ios::binary);
      const std::string found((std::istreambuf_iterator<char>(in)), {});
      ASSERT_TRUE(found == content_of(i)) << "file " << i << " of " << synced << " is lost";
    }
    ASSERT_TRUE(run({"umount", guest_}).status.ok());
    auto check = GetParam().check;
    check.push_back(file());
    const auto checked = run(check);
    EXPECT_TRUE(checked.status.ok()) << checked.out << checked.err;
    ASSERT_TRUE(manager_->unmount(target_, true));
    manager_.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(
    , DiskPowerCut,
    ::testing::Values(Guest{"ext4", {"mkfs.ext4", "-q", "-F"}, {"e2fsck", "-fn"}},
                      Guest{"xfs", {"mkfs.xfs", "-q", "-f"}, {"xfs_repair", "-n"}}),
    [](const auto& guest) { return std::string(guest.param.type); });

}  // namespace
}  // namespace weft::fs
