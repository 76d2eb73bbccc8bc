// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/file_io.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace weft {
namespace {

namespace fs = std::filesystem;

class PosixFileTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const char* name, OpenMode mode = OpenMode::create) {
    auto file = disk_.open(dir_ / name, mode);
    EXPECT_TRUE(file) << file.error().message();
    return std::move(file).value();
  }
  FileSystem& disk_ = posix_file_system();
  test::TempDirectory dir_;
};

TEST_F(PosixFileTest, reads_what_was_written_and_stops_at_the_end) {
  const auto file = open("f");
  const auto data = test::random_blocks(BlockCount(3), 1);
  ASSERT_TRUE(file->write_at(ByteOffset(100), data));
  std::vector<std::byte> got(data.size() + 50);
  EXPECT_EQ(file->read_at(ByteOffset(100), got).value(), data.size());
  EXPECT_TRUE(std::ranges::equal(data, std::span(got).first(data.size())));
  EXPECT_EQ(file->read_at(ByteOffset(1 << 20), got).value(), 0u);
}

TEST_F(PosixFileTest, modes_create_or_refuse) {
  EXPECT_TRUE(
      disk_.open(dir_ / "x", OpenMode::read).error().is(std::errc::no_such_file_or_directory));
  EXPECT_TRUE(disk_.open(dir_ / "x", OpenMode::read_write)
                  .error()
                  .is(std::errc::no_such_file_or_directory));
  open("x", OpenMode::create_exclusive);
  EXPECT_TRUE(
      disk_.open(dir_ / "x", OpenMode::create_exclusive).error().is(std::errc::file_exists));
  open("x", OpenMode::create);
  const auto reader = open("x", OpenMode::read);
  EXPECT_FALSE(reader->write_at(ByteOffset(0), test::block_of('a')));
}

TEST_F(PosixFileTest, descriptors_are_not_inherited) {
  const auto file = open("f");
  EXPECT_NE(::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixFileTest, new_files_and_directories_are_private) {
  open("f");
  ASSERT_TRUE(disk_.make_directory(dir_ / "d"));
  EXPECT_EQ(fs::status(dir_ / "f").permissions() & fs::perms(077), fs::perms::none);
  EXPECT_EQ(fs::status(dir_ / "d").permissions() & fs::perms(077), fs::perms::none);
}

TEST_F(PosixFileTest, opening_a_pipe_does_not_wait_for_its_writer) {
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  const auto pipe = open("pipe", OpenMode::read);
  EXPECT_FALSE(pipe->stat().value().is_regular);
}

TEST_F(PosixFileTest, stat_tells_files_from_directories) {
  const auto file = open("f");
  ASSERT_TRUE(file->write_at(ByteOffset(0), test::block_of('a')));
  const FileStat stat = file->stat().value();
  EXPECT_TRUE(stat.is_regular);
  EXPECT_FALSE(stat.is_directory);
  EXPECT_EQ(stat.size, ByteCount(block_size));
  EXPECT_NE(stat.inode, 0u);
  EXPECT_TRUE(disk_.open(dir_.path(), OpenMode::read).value()->stat().value().is_directory);
}

TEST_F(PosixFileTest, data_is_found_between_holes) {
  test::write_raw(dir_ / "f",
                  "................................................................"
                  "a...............................................................");
  const auto file = open("f", OpenMode::read);
  const auto data = file->next_data(ByteOffset(0)).value();
  ASSERT_TRUE(data);
  EXPECT_LE(data->offset, ByteOffset(64 * block_size));
  EXPECT_GE(data->offset + data->length, ByteOffset(65 * block_size));
  // File systems differ in the size of their extents, not in this:
  EXPECT_EQ(file->next_data(data->offset + data->length).value(), std::nullopt);
  EXPECT_EQ(file->next_data(ByteOffset(128 * block_size)).value(), std::nullopt);
  EXPECT_EQ(file->next_data(ByteOffset(1u << 30)).value(), std::nullopt);
}

TEST_F(PosixFileTest, punched_range_reads_as_zeros_and_gives_space_back) {
  const auto file = open("f");
  const auto data = test::random_blocks(BlockCount(64), 1);
  ASSERT_TRUE(file->write_at(ByteOffset(0), data));
  ASSERT_TRUE(file->sync());
  const ByteCount before = file->stat().value().allocated;
  ASSERT_TRUE(file->punch(Extent{ByteOffset(16 * block_size), ByteCount(32 * block_size)}));
  std::vector<std::byte> got(data.size());
  ASSERT_EQ(file->read_at(ByteOffset(0), got).value(), got.size());
  std::vector<std::byte> expected = data;
  std::fill_n(expected.begin() + 16 * block_size, 32 * block_size, std::byte{0});
  EXPECT_EQ(got, expected);
  EXPECT_LT(file->stat().value().allocated, before);
  EXPECT_TRUE(file->punch(Extent{ByteOffset(0), ByteCount(0)}));
}

TEST_F(PosixFileTest, clone_shares_extents_or_says_that_it_cannot) {
  test::write_raw(dir_ / "from", "abcd");
  const auto from = open("from", OpenMode::read);
  const auto to = open("to");
  const auto outcome = to->clone_from(*from, Extent{ByteOffset(0), ByteCount(4 * block_size)});
  if (outcome) {
    EXPECT_EQ(test::read_file(dir_ / "to"), test::raw_bytes("abcd"));
  } else {
    EXPECT_TRUE(outcome.error().is(Errc::unsupported)) << outcome.error().message();
  }
}

TEST_F(PosixFileTest, rename_replaces_and_remove_forgives) {
  test::write_raw(dir_ / "a", "a");
  test::write_raw(dir_ / "b", "b");
  ASSERT_TRUE(disk_.rename(dir_ / "a", dir_ / "b"));
  ASSERT_TRUE(disk_.sync_directory(dir_.path()));
  EXPECT_EQ(test::read_file(dir_ / "b"), test::raw_bytes("a"));
  EXPECT_TRUE(disk_.remove(dir_ / "b"));
  EXPECT_TRUE(disk_.remove(dir_ / "b"));
  EXPECT_FALSE(disk_.rename(dir_ / "a", dir_ / "b"));
}

TEST_F(PosixFileTest, directories_are_made_once_and_listed_sorted) {
  ASSERT_TRUE(disk_.make_directory(dir_ / "d"));
  EXPECT_TRUE(disk_.make_directory(dir_ / "d"));
  open("c");
  open("b");
  EXPECT_EQ(disk_.list(dir_.path()).value(), (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_TRUE(disk_.make_directory(dir_ / "c").error().is(std::errc::file_exists));
  EXPECT_FALSE(disk_.list(dir_ / "nowhere"));
  EXPECT_TRUE(disk_.remove(dir_ / "d"));
}

TEST_F(PosixFileTest, free_space_is_known) {
  EXPECT_GT(disk_.free_space(dir_.path()).value(), ByteCount(0));
  EXPECT_FALSE(disk_.free_space(dir_ / "nowhere"));
}

TEST_F(PosixFileTest, write_that_the_kernel_cuts_short_fails_with_its_reason) {
  // Above RLIMIT_FSIZE the kernel first writes a part, then fails.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 6000, .rlim_max = old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto file = open("f");
  const auto outcome = file->write_at(ByteOffset(0), test::random_blocks(BlockCount(2), 1));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ::signal(SIGXFSZ, ignored);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(std::errc::file_too_large));
  EXPECT_EQ(file->stat().value().size, ByteCount(6000));
}

TEST_F(PosixFileTest, errors_name_the_file) {
  const auto outcome = disk_.open(dir_ / "nowhere" / "f", OpenMode::create);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message().find("nowhere/f"), std::string::npos);
}

}  // namespace
}  // namespace weft
