// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/byte_lock.h"
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/lazy_mount.h"
#include "tests/support/fs/reader_process.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <random>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::LazyMount;
using testing::ReaderProcess;
using testing::ReadWay;

class MountRead : public testing::FuseTest {};

UniqueFd open_file(const std::string& path, int flags) {
  return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC));
}

struct Free {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};
using Buffer = std::unique_ptr<std::byte, Free>;

Buffer aligned(std::size_t size) {
  return Buffer(static_cast<std::byte*>(std::aligned_alloc(4096, size)));
}

std::uint64_t sum_of(std::span<const std::byte> bytes) {
  return std::accumulate(
      bytes.begin(), bytes.end(), std::uint64_t{0},
      [](std::uint64_t sum, std::byte b) { return sum + static_cast<std::uint64_t>(b); });
}

TEST_F(MountRead, reads_at_odd_offsets_and_lengths_give_the_content) {
  LazyMount mount;
  mount.fetcher->deliver();
  const UniqueFd file = open_file(mount.file(), O_RDONLY);
  ASSERT_TRUE(file);
  std::mt19937_64 random(11);
  std::vector<std::byte> buffer(300'000);
  const auto content = mount.content();
  for (int i = 0; i < 300; ++i) {
    const std::size_t offset = random() % (content.size() + 5000);
    const std::size_t size = 1 + random() % (i % 3 == 0 ? buffer.size() : 5000);
    const ssize_t got = ::pread(file.get(), buffer.data(), size, static_cast<off_t>(offset));
    const std::size_t expected =
        offset >= content.size() ? 0 : std::min(size, content.size() - offset);
    ASSERT_EQ(got, static_cast<ssize_t>(expected)) << offset << "+" << size;
    ASSERT_TRUE(std::ranges::equal(std::span(buffer).first(expected),
                                   content.subspan(std::min(offset, content.size()), expected)))
        << offset << "+" << size;
  }
}

TEST_F(MountRead, direct_reads_of_any_block_range_give_the_content) {
  LazyMount mount;
  mount.fetcher->deliver();
  const UniqueFd file = open_file(mount.file(), O_RDONLY | O_DIRECT);
  ASSERT_TRUE(file);
  std::mt19937_64 random(12);
  const Buffer buffer = aligned(1 << 20);
  const auto content = mount.content();
  for (int i = 0; i < 100; ++i) {
    // 512-byte sectors: what a guest with small sectors asks for.
    const std::size_t unit = i % 2 == 0 ? 512 : 4096;
    const std::size_t offset = random() % (content.size() / unit) * unit;
    const std::size_t size = (1 + random() % ((1 << 20) / unit)) * unit;
    const ssize_t got = ::pread(file.get(), buffer.get(), size, static_cast<off_t>(offset));
    const std::size_t expected = std::min(size, content.size() - offset);
    ASSERT_EQ(got, static_cast<ssize_t>(expected)) << offset << "+" << size;
    ASSERT_TRUE(
        std::ranges::equal(std::span(buffer.get(), expected), content.subspan(offset, expected)));
  }
}

TEST_F(MountRead, every_way_to_read_gives_the_content) {
  LazyMount mount;
  mount.fetcher->deliver(5ms);
  std::uint64_t offset = 0;
  for (const ReadWay way :
       {ReadWay::cached, ReadWay::direct, ReadWay::aio, ReadWay::uring, ReadWay::mapped}) {
    ReaderProcess reader(mount.file(), way, offset, 256 << 10);
    EXPECT_EQ(reader.wait(20s), 0) << static_cast<int>(way);
    EXPECT_EQ(reader.sum(), sum_of(mount.content().subspan(offset, 256 << 10)));
    offset += 1 << 20;
  }
  EXPECT_GT(mount.status().reads.missing, 0u);
}

TEST_F(MountRead, mapped_file_is_the_whole_content) {
  LazyMount mount;
  mount.fetcher->deliver();
  const UniqueFd file = open_file(mount.file(), O_RDONLY);
  const auto content = mount.content();
  void* mapped = ::mmap(nullptr, content.size(), PROT_READ, MAP_PRIVATE, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_TRUE(std::ranges::equal(std::span(static_cast<const std::byte*>(mapped), content.size()),
                                 content));
  ::munmap(mapped, content.size());
}

TEST_F(MountRead, file_target_shows_the_image_in_place_of_the_file) {
  LazyMount mount({.kind = TargetKind::file});
  mount.fetcher->deliver();
  struct stat attributes{};
  ASSERT_EQ(::stat(mount.file().c_str(), &attributes), 0);
  EXPECT_TRUE(S_ISREG(attributes.st_mode));
  EXPECT_EQ(static_cast<std::size_t>(attributes.st_size), mount.content().size());
  ReaderProcess reader(mount.file(), ReadWay::direct, 4096, 8192);
  EXPECT_EQ(reader.wait(20s), 0);
  EXPECT_EQ(reader.sum(), sum_of(mount.content().subspan(4096, 8192)));
  ASSERT_TRUE(mount.manager->unmount(mount.target(), false));
  EXPECT_EQ(std::filesystem::file_size(mount.target()), 0u);
}

TEST_F(MountRead, attributes_tell_size_mode_and_what_is_on_disk_here) {
  LazyMount mount;
  struct stat attributes{};
  ASSERT_EQ(::stat(mount.file().c_str(), &attributes), 0);
  EXPECT_EQ(static_cast<std::size_t>(attributes.st_size), mount.content().size());
  EXPECT_EQ(attributes.st_mode, static_cast<mode_t>(S_IFREG | 0444));
  EXPECT_EQ(attributes.st_blocks, 0);
  mount.make_resident({BlockIndex(0), BlockCount(10)});
  const UniqueFd file = open_file(mount.file(), O_RDONLY);
  for (int i = 0; i < 100 && attributes.st_blocks != 80; ++i) {
    std::this_thread::sleep_for(50ms);  // the kernel may keep attributes for a second
    ASSERT_EQ(::fstat(file.get(), &attributes), 0);
  }
  EXPECT_EQ(attributes.st_blocks, 80);
  EXPECT_EQ(attributes.st_mtime, 0);
}

TEST_F(MountRead, holes_are_where_the_known_tree_has_zeros) {
  LazyMount mount;
  const UniqueFd file = open_file(mount.file(), O_RDONLY);
  const auto size = static_cast<off_t>(mount.content().size());
  // Nothing is known: all of it may be data.
  EXPECT_EQ(::lseek(file.get(), 50 * 4096, SEEK_DATA), 50 * 4096);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_HOLE), size);
  mount.make_resident();  // blocks 48 … 55 of each 64 are zero
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_HOLE), 48 * 4096);
  EXPECT_EQ(::lseek(file.get(), 48 * 4096 + 5, SEEK_DATA), 56 * 4096);
  EXPECT_EQ(::lseek(file.get(), 48 * 4096 + 5, SEEK_HOLE), 48 * 4096 + 5);
  EXPECT_EQ(::lseek(file.get(), size, SEEK_DATA), -1);
  EXPECT_EQ(errno, ENXIO);
}

TEST_F(MountRead, nothing_can_be_changed) {
  LazyMount mount;
  EXPECT_FALSE(open_file(mount.file(), O_RDWR));
  EXPECT_EQ(errno, EROFS);
  EXPECT_FALSE(open_file(mount.target() + "/new", O_WRONLY | O_CREAT));
  EXPECT_EQ(errno, EROFS);
  EXPECT_NE(::unlink(mount.file().c_str()), 0);
  EXPECT_NE(::truncate(mount.file().c_str(), 5), 0);
}

TEST_F(MountRead, open_file_description_locks_exclude_each_other_as_qemu_needs) {
  LazyMount mount;
  const UniqueFd one = open_file(mount.file(), O_RDONLY);
  const UniqueFd two = open_file(mount.file(), O_RDONLY);
  // QEMU takes shared locks on bytes 100 … and asks whether anybody holds 200 ….
  EXPECT_TRUE(testing::lock_byte(one.get(), F_RDLCK, 100));
  EXPECT_TRUE(testing::lock_byte(two.get(), F_RDLCK, 100));
  EXPECT_EQ(testing::lock_in_the_way(two.get(), 100), F_RDLCK);
  EXPECT_EQ(testing::lock_in_the_way(two.get(), 200), F_UNLCK);
}

TEST_F(MountRead, extended_attributes_are_not_there) {
  LazyMount mount;
  char value[16];
  EXPECT_LT(::getxattr(mount.file().c_str(), "security.capability", value, sizeof value), 0);
  EXPECT_EQ(errno, EOPNOTSUPP);
}

TEST_F(MountRead, directory_and_file_system_describe_one_read_only_file) {
  LazyMount mount;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(mount.target())) {
    names.push_back(entry.path().filename());
  }
  EXPECT_EQ(names, std::vector<std::string>{"disk.raw"});
  struct statvfs values{};
  ASSERT_EQ(::statvfs(mount.target().c_str(), &values), 0);
  EXPECT_EQ(values.f_blocks, mount.sample->blocks().value());
  EXPECT_EQ(values.f_bavail, 0u);
  EXPECT_NE(values.f_flag & ST_RDONLY, 0u);
}

TEST_F(MountRead, cached_pages_are_kept_across_opens) {
  LazyMount mount;
  mount.make_resident();
  std::vector<std::byte> buffer(64 << 10);
  for (int i = 0; i < 5; ++i) {
    const UniqueFd file = open_file(mount.file(), O_RDONLY);
    ASSERT_EQ(::pread(file.get(), buffer.data(), buffer.size(), 0), std::ssize(buffer));
  }
  const std::uint64_t reads = mount.status().reads.resident;
  const UniqueFd file = open_file(mount.file(), O_RDONLY);
  ASSERT_EQ(::pread(file.get(), buffer.data(), buffer.size(), 0), std::ssize(buffer));
  EXPECT_EQ(mount.status().reads.resident, reads);
}

}  // namespace
}  // namespace weft::fs
