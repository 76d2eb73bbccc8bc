// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/lazy_mount.h"
#include "tests/support/fs/reader_process.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// Images that the kernel serves without the worker: opening modes, hand-over, damage.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::LazyMount;
using testing::LazyMountOptions;

constexpr std::size_t image_bytes = std::size_t{8} << 20;

bool kernel_can(LazyMount& mount) {
  return mount.status().opens.obstacle.find("kernel") == std::string::npos;
}

class MountPassthrough : public testing::FuseTest {
 protected:
  void SetUp() override {
    FuseTest::SetUp();
    if (IsSkipped()) return;
    mount_ = std::make_unique<LazyMount>(LazyMountOptions{.size = image_bytes});
    if (!kernel_can(*mount_)) GTEST_SKIP() << mount_->status().opens.obstacle;
  }
  UniqueFd open(int flags = 0) const {
    return UniqueFd(::open(mount_->file().c_str(), O_RDONLY | O_CLOEXEC | flags));
  }
  static bool wait_for(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(20ms);
    }
    return true;
  }
  /// Completes the image and waits until its pack has been compared.
  void complete() {
    mount_->make_resident();
    ASSERT_TRUE(wait_for([&] { return mount_->image->whole_pack() >= 0; }));
  }
  std::uint64_t reads() const {
    const auto status = mount_->status();
    return status.reads.resident + status.reads.missing;
  }
  /// All of the file, by read(2), is the image.
  bool reads_well(const UniqueFd& file) const {
    const std::size_t size = mount_->content().size();
    void* memory = std::aligned_alloc(4096, size + 4096);
    const std::unique_ptr<void, void (*)(void*)> owner(memory, std::free);
    std::size_t done = 0;
    while (done <= size) {
      const ssize_t n =
          ::pread(file.get(), static_cast<std::byte*>(memory) + done,
                  std::min<std::size_t>(1 << 20, size + 4096 - done), static_cast<off_t>(done));
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done == size &&
           std::ranges::equal(std::span(static_cast<std::byte*>(memory), size), mount_->content());
  }
  OpenCounts counts() const { return mount_->status().opens.counts; }
  bool wait_for_no_open() const {
    return wait_for([&] { return mount_->status().opens.mode() == "-"; });
  }

  std::unique_ptr<LazyMount> mount_;
};

TEST_F(MountPassthrough, worker_sees_no_read_of_a_complete_image) {
  complete();
  const auto before = reads();
  for (const int flags : {0, O_DIRECT}) {
    const UniqueFd file = open(flags);
    ASSERT_TRUE(file) << flags;
    EXPECT_EQ(mount_->status().opens.mode(), "passthrough");
    EXPECT_TRUE(reads_well(file)) << flags;
  }
  EXPECT_EQ(reads(), before);
  EXPECT_TRUE(wait_for_no_open());
}

TEST_F(MountPassthrough, mapped_memory_shows_the_image) {
  complete();
  const auto before = reads();
  const UniqueFd file = open();
  for (const int sharing : {MAP_SHARED, MAP_PRIVATE}) {
    void* const at = ::mmap(nullptr, image_bytes, PROT_READ, sharing, file.get(), 0);
    ASSERT_NE(at, MAP_FAILED);
    EXPECT_TRUE(std::ranges::equal(std::span(static_cast<const std::byte*>(at), image_bytes),
                                   mount_->content()));
    ::munmap(at, image_bytes);
  }
  EXPECT_EQ(reads(), before);
}

TEST_F(MountPassthrough, opens_for_writing_are_refused_in_every_mode) {
  for (const bool whole : {false, true}) {
    if (whole) complete();
    for (const int flags : {O_WRONLY, O_RDWR, O_RDWR | O_DIRECT}) {
      const UniqueFd file(::open(mount_->file().c_str(), flags | O_CLOEXEC));
      EXPECT_FALSE(file);
      EXPECT_EQ(errno, EROFS);
    }
  }
}

TEST_F(MountPassthrough, modes_that_go_together_are_given_together) {
  mount_->fetcher->deliver();
  UniqueFd direct = open(O_DIRECT);
  EXPECT_EQ(mount_->status().opens.mode(), "direct");
  UniqueFd cached = open();
  EXPECT_EQ(mount_->status().opens.mode(), "cached");
  EXPECT_TRUE(reads_well(direct));
  EXPECT_TRUE(reads_well(cached));
  complete();

  UniqueFd refused = open(O_DIRECT);
  EXPECT_EQ(counts().passthrough, 0u) << "a cached open is held";
  EXPECT_TRUE(reads_well(refused));
  cached.reset();
  ASSERT_TRUE(wait_for([&] { return counts().cached == 0; }));

  const UniqueFd passed = open(O_DIRECT);
  ASSERT_TRUE(passed);
  EXPECT_EQ(counts().passthrough, 1u);
  EXPECT_EQ(counts().direct, 2u);
  const UniqueFd also = open();
  ASSERT_TRUE(also);
  EXPECT_EQ(counts().passthrough, 2u);
  EXPECT_TRUE(reads_well(passed));
  EXPECT_TRUE(reads_well(also));
  EXPECT_TRUE(reads_well(direct)) << "what was opened before goes on as it was";
}

TEST_F(MountPassthrough, successor_goes_on_with_files_that_are_open_in_passthrough) {
  complete();
  const UniqueFd held = open(O_DIRECT);
  ASSERT_EQ(counts().passthrough, 1u);
  mount_->drop_manager();
  EXPECT_TRUE(reads_well(held)) << "nobody serves, nobody is needed";
  mount_->inherit();
  EXPECT_EQ(counts().passthrough, 1u);
  mount_->image = mount_->store->image(mount_->sample->info.id).value();
  for (const int flags : {0, O_DIRECT}) {
    const UniqueFd another = open(flags);
    ASSERT_TRUE(another) << "another backing id would be EIO";
    EXPECT_TRUE(reads_well(another));
  }
  EXPECT_TRUE(reads_well(held));
}

TEST_F(MountPassthrough, successor_knows_of_cached_opens_of_its_predecessor) {
  mount_->fetcher->deliver();
  UniqueFd cached = open();
  complete();
  mount_->drop_manager();
  mount_->inherit();
  const UniqueFd direct = open(O_DIRECT);
  ASSERT_TRUE(direct) << "passthrough beside a cached open would be EIO";
  EXPECT_EQ(counts().cached, 1u);
  EXPECT_EQ(counts().direct, 1u);
  cached.reset();
  ASSERT_TRUE(wait_for([&] { return counts().cached == 0; }));
  const UniqueFd passed = open();
  EXPECT_EQ(counts().passthrough, 1u);
  EXPECT_TRUE(reads_well(passed));
}

TEST_F(MountPassthrough, image_that_lost_a_block_is_not_passed_through_until_it_is_whole_again) {
  complete();
  mount_->fetcher->deliver();
  const int pack = mount_->image->whole_pack();
  ASSERT_EQ(::ftruncate(pack, image_bytes - 4096), 0);
  ASSERT_EQ(::ftruncate(pack, image_bytes), 0);
  mount_->drop_manager();
  mount_->image.reset();
  mount_->store.reset();
  // Opened anew, the store finds the damage when the block is read, or the pack compared.
  mount_->store = Store::open(posix_file_system(), {.directory = mount_->sandbox.path() / "state",
                                                    .free_space_floor = ByteCount(0)})
                      .value();
  mount_->inherit();
  mount_->image = mount_->store->image(mount_->sample->info.id).value();
  {
    const UniqueFd file = open();
    EXPECT_TRUE(reads_well(file));
    EXPECT_EQ(counts().passthrough, 0u);
  }
  ASSERT_TRUE(wait_for_no_open());
  ASSERT_TRUE(wait_for([&] { return mount_->image->whole_pack() >= 0; }));
  const UniqueFd file = open();
  EXPECT_EQ(counts().passthrough, 1u);
  EXPECT_TRUE(reads_well(file));
}

TEST_F(MountPassthrough, readers_of_many_kinds_at_once_get_the_image) {
  complete();
  using testing::ReaderProcess;
  using testing::ReadWay;
  std::vector<std::unique_ptr<ReaderProcess>> readers;
  for (const ReadWay way :
       {ReadWay::cached, ReadWay::direct, ReadWay::aio, ReadWay::uring, ReadWay::mapped}) {
    readers.push_back(std::make_unique<ReaderProcess>(mount_->file(), way, readers.size() << 20,
                                                      std::size_t{64 << 10}));
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    EXPECT_EQ(readers[i]->wait(20s), 0) << i;
    std::uint64_t sum = 0;
    for (const std::byte b : mount_->content().subspan(i << 20, 64 << 10))
      sum += static_cast<std::uint64_t>(b);
    EXPECT_EQ(readers[i]->sum(), sum) << i;
  }
}

class MountWithoutPassthrough : public testing::FuseTest {};

TEST_F(MountWithoutPassthrough, image_that_ends_within_a_block_is_served_by_the_worker) {
  LazyMount mount;
  if (!kernel_can(mount)) GTEST_SKIP() << mount.status().opens.obstacle;
  mount.make_resident();
  const UniqueFd file(::open(mount.file().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(mount.status().opens.mode(), "cached");
  EXPECT_NE(mount.status().opens.obstacle, "");
}

}  // namespace
}  // namespace weft::fs
