// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/faulty_file_system.h"

#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace weft::test {
namespace {

class FaultyFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const char* name) {
    return disk_.open(dir_ / name, OpenMode::create).value();
  }
  void create(const char* name, std::string_view picture) {
    const auto file = open(name);
    ASSERT_TRUE(file->write_at(ByteOffset(0), raw_bytes(picture)));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(disk_.sync_directory(dir_.path()));
  }
  std::vector<std::byte> content(const char* name) { return read_file(dir_ / name); }

  TempDirectory dir_;
  FaultyFileSystem disk_;
};

TEST_F(FaultyFileSystemTest, nth_matching_call_fails_and_only_that) {
  disk_.add({.call = DiskCall::write, .path_contains = "bad", .nth = 2});
  const auto bad = open("bad");
  const auto good = open("good");
  const auto data = block_of('a');
  EXPECT_TRUE(bad->write_at(ByteOffset(0), data));
  EXPECT_TRUE(good->write_at(ByteOffset(0), data));
  EXPECT_TRUE(bad->write_at(ByteOffset(0), data).error().is(std::errc::io_error));
  EXPECT_TRUE(bad->write_at(ByteOffset(0), data));
}

TEST_F(FaultyFileSystemTest, torn_write_leaves_its_first_bytes) {
  create("f", "aa");
  disk_.add({.call = DiskCall::write, .torn_after = 100});
  EXPECT_FALSE(open("f")->write_at(ByteOffset(0), block_of('b')));
  auto expected = raw_bytes("aa");
  std::copy_n(block_of('b').begin(), 100, expected.begin());
  EXPECT_EQ(content("f"), expected);
}

TEST_F(FaultyFileSystemTest, disk_is_full_after_so_many_bytes) {
  disk_.set_space(ByteCount(6000));
  const auto file = open("f");
  EXPECT_TRUE(file->write_at(ByteOffset(0), block_of('a')));
  EXPECT_TRUE(
      file->write_at(ByteOffset(4096), block_of('b')).error().is(std::errc::no_space_on_device));
  EXPECT_EQ(file->stat().value().size, ByteCount(6000));
  EXPECT_EQ(disk_.free_space(dir_.path()).value(), ByteCount(0));
}

TEST_F(FaultyFileSystemTest, power_cut_loses_what_was_not_synced) {
  create("f", "abc");
  const auto file = open("f");
  ASSERT_TRUE(file->write_at(ByteOffset(4096), raw_bytes("xyz")));
  disk_.power_cut(Survival::nothing);
  EXPECT_EQ(content("f"), raw_bytes("abc"));
}

TEST_F(FaultyFileSystemTest, power_cut_keeps_what_was_synced) {
  create("f", "abc");
  const auto file = open("f");
  ASSERT_TRUE(file->write_at(ByteOffset(4096), raw_bytes("xyz")));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->write_at(ByteOffset(0), raw_bytes("q")));
  disk_.power_cut(Survival::nothing);
  EXPECT_EQ(content("f"), raw_bytes("axyz"));
}

TEST_F(FaultyFileSystemTest, power_cut_brings_back_truncated_and_punched_data) {
  create("f", "abcd");
  const auto file = open("f");
  ASSERT_TRUE(file->punch(Extent{ByteOffset(4096), ByteCount(4096)}));
  ASSERT_TRUE(file->truncate(ByteCount(2 * 4096)));
  EXPECT_EQ(content("f"), raw_bytes("a."));
  disk_.power_cut(Survival::nothing);
  EXPECT_EQ(content("f"), raw_bytes("abcd"));
}

TEST_F(FaultyFileSystemTest, power_cut_by_seed_keeps_whole_pages) {
  std::set<std::vector<std::byte>> seen;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    create("f", "ab");
    ASSERT_TRUE(open("f")->write_at(ByteOffset(0), raw_bytes("xy")));
    disk_.power_cut(Survival::by_seed, seed);
    seen.insert(content("f"));
  }
  EXPECT_EQ(seen, (std::set{raw_bytes("ab"), raw_bytes("xb"), raw_bytes("ay"), raw_bytes("xy")}));
}

TEST_F(FaultyFileSystemTest, same_seed_leaves_the_same_disk) {
  std::set<std::vector<std::byte>> seen;
  for (int round = 0; round < 5; ++round) {
    create("f", "abcdefgh");
    ASSERT_TRUE(open("f")->write_at(ByteOffset(0), raw_bytes("stuvwxyz")));
    disk_.power_cut(Survival::by_seed, 42);
    seen.insert(content("f"));
  }
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(FaultyFileSystemTest, new_file_is_lost_until_its_directory_is_synced) {
  ASSERT_TRUE(open("f")->sync());
  disk_.power_cut(Survival::nothing);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "f"));
}

TEST_F(FaultyFileSystemTest, rename_and_removal_are_undone_until_synced) {
  create("old", "a");
  create("new", "b");
  create("gone", "c");
  ASSERT_TRUE(disk_.rename(dir_ / "new", dir_ / "old"));
  ASSERT_TRUE(disk_.remove(dir_ / "gone"));
  ASSERT_TRUE(disk_.make_directory(dir_ / "d"));
  disk_.power_cut(Survival::nothing);
  EXPECT_EQ(content("old"), raw_bytes("a"));
  EXPECT_EQ(content("new"), raw_bytes("b"));
  EXPECT_EQ(content("gone"), raw_bytes("c"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "d"));

  ASSERT_TRUE(disk_.rename(dir_ / "new", dir_ / "old"));
  ASSERT_TRUE(disk_.sync_directory(dir_.path()));
  disk_.power_cut(Survival::nothing);
  EXPECT_EQ(content("old"), raw_bytes("b"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new"));
}

TEST_F(FaultyFileSystemTest, files_open_at_the_cut_are_dead) {
  const auto file = open("f");
  disk_.power_cut(Survival::everything);
  EXPECT_TRUE(file->write_at(ByteOffset(0), block_of('a')).error().is(std::errc::io_error));
  EXPECT_TRUE(file->sync().error().is(std::errc::io_error));
  EXPECT_TRUE(open("f")->write_at(ByteOffset(0), block_of('a')));
}

TEST_F(FaultyFileSystemTest, calls_are_counted_by_kind) {
  create("f", "a");
  EXPECT_EQ(disk_.calls(DiskCall::write), 1u);
  EXPECT_EQ(disk_.calls(DiskCall::sync), 1u);
  EXPECT_EQ(disk_.calls(DiskCall::any_change), 3u);
}

}  // namespace
}  // namespace weft::test
