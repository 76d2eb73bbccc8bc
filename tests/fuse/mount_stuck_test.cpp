// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/lazy_mount.h"
#include "tests/support/fs/reader_process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

// What must work while reads wait for blocks that do not come.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::LazyMount;
using testing::ReaderProcess;
using testing::ReadWay;

class MountStuck : public testing::FuseTest {};

using Readers = std::vector<std::unique_ptr<ReaderProcess>>;

/// More stuck readers than the mount has threads, each at a block of its own.
Readers stuck_readers(LazyMount& mount, std::size_t count) {
  Readers readers;
  for (std::size_t i = 0; i < count; ++i) {
    readers.push_back(std::make_unique<ReaderProcess>(mount.file(), ReadWay::direct, (1 + i) << 20,
                                                      std::size_t{4096}));
  }
  EXPECT_TRUE(mount.fetcher->wait_for_waiting(count));
  return readers;
}

TEST_F(MountStuck, metadata_is_answered_while_every_read_is_stuck) {
  LazyMount mount;
  const Readers readers = stuck_readers(mount, 5);
  struct stat attributes{};
  EXPECT_EQ(::stat(mount.file().c_str(), &attributes), 0);
  struct statvfs values{};
  EXPECT_EQ(::statvfs(mount.target().c_str(), &values), 0);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(mount.target()), {}), 1);
  const auto waiting = mount.status().waiting;
  ASSERT_EQ(waiting.size(), 5u);
  EXPECT_EQ(waiting.front().blocks.count, BlockCount(1));
  EXPECT_NE(waiting.front().thread_id, 0u);
}

TEST_F(MountStuck, another_mount_serves_while_one_is_stuck) {
  LazyMount stuck;
  LazyMount healthy({.seed = 2});
  healthy.fetcher->deliver();
  const Readers readers = stuck_readers(stuck, 5);
  ReaderProcess reader(healthy.file(), ReadWay::cached, 0, 1 << 20);
  EXPECT_EQ(reader.wait(20s), 0);
}

TEST_F(MountStuck, resident_blocks_are_read_while_others_are_stuck) {
  LazyMount mount;
  mount.make_resident({BlockIndex(0), BlockCount(16)});
  const Readers readers = stuck_readers(mount, 5);
  ReaderProcess reader(mount.file(), ReadWay::direct, 0, 64 << 10);
  EXPECT_EQ(reader.wait(20s), 0);
}

TEST_F(MountStuck, direct_open_is_not_held_up_by_a_stuck_cached_read) {
  LazyMount mount;
  mount.make_resident({BlockIndex(0), BlockCount(16)});
  ReaderProcess cached(mount.file(), ReadWay::cached, 1 << 20, 64 << 10);
  ReaderProcess mapped(mount.file(), ReadWay::mapped, 4 << 20, 64 << 10);
  ASSERT_TRUE(mount.fetcher->wait_for_waiting(2));
  ReaderProcess direct(mount.file(), ReadWay::direct, 0, 64 << 10);
  EXPECT_EQ(direct.wait(10s), 0);
}

TEST_F(MountStuck, reads_end_with_data_when_the_source_appears) {
  LazyMount mount;
  const Readers readers = stuck_readers(mount, 5);
  mount.fetcher->deliver();
  for (const auto& reader : readers)
    EXPECT_EQ(reader->wait(20s), 0);
}

class KillTest : public MountStuck, public ::testing::WithParamInterface<ReadWay> {};

TEST_P(KillTest, killed_reader_ends_within_five_seconds) {
  LazyMount mount;
  ReaderProcess reader(mount.file(), GetParam(), 1 << 20, 256 << 10);
  ASSERT_TRUE(mount.fetcher->wait_for_waiting(1));
  EXPECT_FALSE(GetParam() != ReadWay::aio_exit && reader.wait(100ms));
  reader.signal(SIGKILL);
  EXPECT_TRUE(reader.wait(5s));
  // io_uring gives up its file in the background, when its last read has been answered.
  bool unmounted = false;
  for (int i = 0; i < 500 && !unmounted; ++i) {
    unmounted = mount.manager->unmount(mount.target(), false).has_value();
    if (!unmounted) std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(unmounted) << "nobody uses it any more";
}

const char* name_of(const ::testing::TestParamInfo<ReadWay>& info) {
  switch (info.param) {
    case ReadWay::cached:
      return "cached";
    case ReadWay::direct:
      return "direct";
    case ReadWay::aio:
      return "aio";
    case ReadWay::aio_exit:
      return "aio_exit";
    case ReadWay::uring:
      return "uring";
    case ReadWay::mapped:
      return "mapped";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(MountStuck, KillTest,
                         ::testing::Values(ReadWay::cached, ReadWay::direct, ReadWay::aio,
                                           ReadWay::aio_exit, ReadWay::uring, ReadWay::mapped),
                         name_of);

TEST_F(MountStuck, reader_that_is_stopped_and_continued_still_gets_its_data) {
  LazyMount mount;
  ReaderProcess reader(mount.file(), ReadWay::direct, 1 << 20, 4096);
  ASSERT_TRUE(mount.fetcher->wait_for_waiting(1));
  reader.signal(SIGSTOP);
  EXPECT_FALSE(reader.wait(1500ms));  // the reaper looks at it meanwhile
  reader.signal(SIGCONT);
  mount.fetcher->deliver();
  EXPECT_EQ(reader.wait(20s), 0);
}

TEST_F(MountStuck, read_without_a_source_fails_at_its_deadline) {
  LazyMount mount({.policy = {.deadline = 300ms}});
  ReaderProcess reader(mount.file(), ReadWay::direct, 0, 4096);
  EXPECT_EQ(reader.wait(10s), EIO);
  EXPECT_EQ(mount.status().reads.failed, 1u);
}

TEST_F(MountStuck, eio_policy_fails_at_once) {
  LazyMount mount({.policy = {.when_missing = WhenMissing::eio}});
  ReaderProcess reader(mount.file(), ReadWay::direct, 0, 4096);
  EXPECT_EQ(reader.wait(10s), EIO);
}

TEST_F(MountStuck, eagain_policy_tells_the_reader_to_try_again) {
  LazyMount mount({.policy = {.when_missing = WhenMissing::eagain}});
  ReaderProcess reader(mount.file(), ReadWay::direct, 0, 4096);
  EXPECT_EQ(reader.wait(10s), EAGAIN);
}

TEST_F(MountStuck, idle_mount_is_unmounted_although_reads_have_waited) {
  LazyMount mount;
  {
    const Readers readers = stuck_readers(mount, 3);
  }
  EXPECT_TRUE(mount.manager->unmount(mount.target(), false));
  EXPECT_TRUE(mount.manager->list().empty());
  EXPECT_EQ(mount.image.use_count(), 1) << "the manager keeps an image it does not serve";
}

TEST_F(MountStuck, mount_in_use_is_only_unmounted_by_force) {
  LazyMount mount;
  const Readers readers = stuck_readers(mount, 3);
  const auto refused = mount.manager->unmount(mount.target(), false);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::target_busy)) << refused.error().message();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(mount.manager->unmount(mount.target(), true));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  for (const auto& reader : readers) {
    const auto status = reader->wait(5s);
    ASSERT_TRUE(status);
    EXPECT_NE(*status, 0);
  }
  EXPECT_TRUE(mount.mount()) << "the target is free again";
}

TEST_F(MountStuck, mount_unmounted_by_an_admin_leaves_the_list) {
  LazyMount mount;
  ASSERT_EQ(::umount2(mount.target().c_str(), 0), 0);
  for (int i = 0; i < 500 && !mount.manager->list().empty(); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(mount.manager->list().empty());
  const auto again = mount.manager->unmount(mount.target(), false);
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(Errc::not_mounted));
}

TEST_F(MountStuck, target_that_cannot_be_used_is_refused) {
  LazyMount mount;
  const auto twice = mount.mount();
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error().is(Errc::already_mounted)) << twice.error().message();

  const std::string full = mount.sandbox.directory("full");
  (void)mount.sandbox.file("full/something");
  MountRequest request{
      .image = mount.image, .name = "disk", .target = full, .kind = {}, .policy = {}};
  EXPECT_TRUE(mount.manager->mount(request).error().is(Errc::bad_target));
  request.target = mount.sandbox.path() / "absent";
  EXPECT_TRUE(mount.manager->mount(request).error().is(Errc::bad_target));
  request.target = mount.sandbox.directory("empty");
  request.kind = TargetKind::file;
  EXPECT_TRUE(mount.manager->mount(request).error().is(Errc::bad_target));
  request.name = "../evil";
  EXPECT_TRUE(mount.manager->mount(request).error().is(Errc::bad_name));
}

}  // namespace
}  // namespace weft::fs
