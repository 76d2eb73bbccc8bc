// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/byte_lock.h"
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/lazy_mount.h"
#include "tests/support/fs/reader_process.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// A worker that goes away, and its successor on the same mount.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::LazyMount;
using testing::ReaderProcess;
using testing::ReadWay;

class MountHandover : public testing::FuseTest {};

TEST_F(MountHandover, reads_in_flight_are_answered_by_the_successor) {
  LazyMount mount;
  std::vector<std::unique_ptr<ReaderProcess>> readers;
  for (const ReadWay way :
       {ReadWay::cached, ReadWay::direct, ReadWay::aio, ReadWay::uring, ReadWay::mapped}) {
    readers.push_back(std::make_unique<ReaderProcess>(mount.file(), way, (1 + readers.size()) << 20,
                                                      std::size_t{64 << 10}));
  }
  ASSERT_TRUE(mount.fetcher->wait_for_waiting(readers.size()));
  mount.drop_manager();
  EXPECT_FALSE(readers.front()->wait(100ms)) << "nobody serves, and nobody fails";
  mount.fetcher->deliver();
  mount.inherit();
  for (std::size_t i = 0; i < readers.size(); ++i) {
    EXPECT_EQ(readers[i]->wait(20s), 0) << i;
    std::uint64_t sum = 0;
    for (const std::byte b : mount.content().subspan((1 + i) << 20, 64 << 10)) {
      sum += static_cast<std::uint64_t>(b);
    }
    EXPECT_EQ(readers[i]->sum(), sum) << i;
  }
}

TEST_F(MountHandover, open_files_and_locks_survive) {
  LazyMount mount;
  mount.fetcher->deliver();
  const UniqueFd file(::open(mount.file().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  ASSERT_TRUE(testing::lock_byte(file.get(), F_RDLCK, 100));
  mount.drop_manager();
  mount.inherit();
  std::vector<std::byte> buffer(8192);
  ASSERT_EQ(::pread(file.get(), buffer.data(), buffer.size(), 4096), std::ssize(buffer));
  EXPECT_TRUE(std::ranges::equal(buffer, mount.content().subspan(4096, buffer.size())));
  const UniqueFd other(::open(mount.file().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(other);
  EXPECT_EQ(testing::lock_in_the_way(other.get(), 100), F_RDLCK);
}

TEST_F(MountHandover, reader_killed_between_two_workers_ends) {
  LazyMount mount;
  ReaderProcess reader(mount.file(), ReadWay::aio, 1 << 20, 64 << 10);
  ASSERT_TRUE(mount.fetcher->wait_for_waiting(1));
  mount.drop_manager();
  reader.signal(SIGKILL);
  mount.inherit();
  EXPECT_TRUE(reader.wait(5s));
}

TEST_F(MountHandover, many_hand_overs_under_load_lose_no_read) {
  LazyMount mount;
  mount.fetcher->deliver(1ms);
  for (int round = 0; round < 8; ++round) {
    std::vector<std::unique_ptr<ReaderProcess>> readers;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::uint64_t offset = (static_cast<std::size_t>(round) * 6 + i) * (128 << 10);
      readers.push_back(std::make_unique<ReaderProcess>(mount.file(),
                                                        i % 2 == 0 ? ReadWay::direct : ReadWay::aio,
                                                        offset, std::size_t{128 << 10}));
    }
    mount.drop_manager();
    mount.inherit();
    for (const auto& reader : readers)
      ASSERT_EQ(reader->wait(20s), 0) << round;
  }
}

TEST_F(MountHandover, mount_whose_image_is_gone_is_unmounted) {
  LazyMount mount;
  mount.drop_manager();
  MountManager successor(*mount.keeper, *mount.fetcher);
  const auto adopted = successor.adopt_inherited([](const ImageId&) {
    return Result<std::shared_ptr<LocalImage>>(fail(Errc::unknown_image, Operation::serve));
  });
  ASSERT_TRUE(adopted);
  ASSERT_EQ(adopted->size(), 1u);
  EXPECT_TRUE(adopted->front().error->is(Errc::unknown_image));
  EXPECT_EQ(adopted->front().image, mount.image->info().id);
  EXPECT_TRUE(successor.list().empty());
  EXPECT_NE(::access(mount.file().c_str(), F_OK), 0);
}

}  // namespace
}  // namespace weft::fs
