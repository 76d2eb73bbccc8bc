// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/ext4.h"

#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/unit/fetcher/layout/fake_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace weft::fetcher::layout {
namespace {

using testing::set_of;

constexpr std::uint64_t mebibyte = 1U << 20;

/// A disk in a file's bytes; blocks come when they were asked for.
class FileDisk final : public ByteSource {
 public:
  explicit FileDisk(std::vector<char> bytes) : bytes_(std::move(bytes)) {}

  bool read(std::uint64_t offset, std::span<std::byte> out) override {
    const BlockIndex end((offset + out.size() + block_size - 1) / block_size);
    const BlockRange range = BlockRange::between(BlockIndex(offset / block_size), end);
    if (!here_.covers(range)) {
      needed_.add(range);
      return false;
    }
    std::transform(bytes_.begin() + static_cast<std::ptrdiff_t>(offset),
                   bytes_.begin() + static_cast<std::ptrdiff_t>(offset + out.size()), out.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    return true;
  }
  Findings explored() {
    for (int round = 0; round < 64; ++round) {
      needed_.clear();
      Findings found = explore(*this, bytes_.size());
      if (needed_.empty()) return found;
      here_.add(needed_);
    }
    ADD_FAILURE() << "it never ends";
    return {};
  }
  /// Where this text is, at the beginning of a block of the file system.
  [[nodiscard]] BlockIndex block_with(const std::string& text) const {
    for (std::uint64_t at = 0; at + text.size() <= bytes_.size(); at += 1024) {
      if (std::equal(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at)))
        return BlockIndex(at / block_size);
    }
    ADD_FAILURE() << "not on the disk: " << text;
    return BlockIndex(0);
  }
  [[nodiscard]] std::vector<char>& bytes() { return bytes_; }

 private:
  std::vector<char> bytes_;
  RangeSet here_;
  RangeSet needed_;
};

/// A file system as a distribution installs it.
class Ext4 : public ::testing::Test {
 protected:
  void SetUp() override {
    write("boot/vmlinuz-6.1", "KERNEL", 3 * mebibyte);
    write("boot/initrd.img-6.1", "INITRD", 5 * mebibyte);
    write("boot/grub/grub.cfg", "LOADER", 5000);
    write("usr/lib/systemd/systemd", "SYSTEMD", 90'000);
    write("usr/lib/x86_64-linux-gnu/libc.so.6", "LIBRARY", 2 * mebibyte);
    write("etc/fstab", "FSTAB", 200);
    write("var/lib/big", "UNRELATED", 4 * mebibyte);
    std::filesystem::create_directory_symlink("usr/lib", root / "lib");
    std::filesystem::create_directories(root / "usr/sbin");
    std::filesystem::create_directory_symlink("usr/sbin", root / "sbin");
    std::filesystem::create_symlink("/lib/systemd/systemd", root / "usr/sbin/init");
  }

  void write(const std::string& path, const std::string& begins, std::uint64_t size) const {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream file(root / path, std::ios::binary);
    std::string content = begins;
    std::mt19937_64 random(size);
    while (content.size() < size)
      content.push_back(static_cast<char>(random() | 1U));
    content.resize(size);
    file << content;
  }
  FileDisk make(const std::vector<std::string>& flags = {}) const {
    const std::string file = directory / "disk";
    std::vector<std::string> argv{"/usr/sbin/mke2fs", "-q", "-F", "-d", root};
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.insert(argv.end(), {file, "64M"});
    const auto made = weft::testing::run(argv, std::chrono::seconds(60));
    EXPECT_TRUE(made.status.ok()) << made.err;
    std::ifstream in(file, std::ios::binary);
    return FileDisk({std::istreambuf_iterator<char>(in), {}});
  }

  const test::TempDirectory directory;
  const std::filesystem::path root = directory / "root";
};

TEST_F(Ext4, kernel_init_and_what_they_need_are_found_by_reading_little) {
  FileDisk disk = make({"-t", "ext4", "-b", "4096"});
  const Findings found = disk.explored();
  const RangeSet start = set_of(found, Need::start);
  const RangeSet kernel = set_of(found, Need::kernel);
  const RangeSet init = set_of(found, Need::init);
  EXPECT_TRUE(start.covers({BlockIndex(0), BlockCount(2)})) << "superblock and descriptors";
  EXPECT_TRUE(kernel.contains(disk.block_with("KERNEL")));
  EXPECT_TRUE(kernel.contains(disk.block_with("INITRD")));
  EXPECT_TRUE(kernel.contains(disk.block_with("LOADER")));
  EXPECT_GE(kernel.count(), BlockCount(8 * 256));
  EXPECT_TRUE(init.contains(disk.block_with("SYSTEMD"))) << "by two links";
  EXPECT_TRUE(init.contains(disk.block_with("LIBRARY")));
  EXPECT_TRUE(init.contains(disk.block_with("FSTAB")));
  for (const RangeSet& some : {start, kernel, init, set_of(found, Need::soon)})
    EXPECT_FALSE(some.contains(disk.block_with("UNRELATED")));
}

TEST_F(Ext4, older_and_odd_kinds_are_read_too) {
  const std::vector<std::vector<std::string>> kinds{
      {"-t", "ext4", "-b", "1024"},
      {"-t", "ext4", "-O", "^64bit", "-I", "128"},
      {"-t", "ext4", "-O", "64bit,^flex_bg,^has_journal"},
      {"-t", "ext4", "-g", "8192"}};
  for (const auto& flags : kinds) {
    FileDisk disk = make(flags);
    const Findings found = disk.explored();
    EXPECT_TRUE(set_of(found, Need::kernel).contains(disk.block_with("KERNEL"))) << flags.back();
    EXPECT_TRUE(set_of(found, Need::init).contains(disk.block_with("SYSTEMD"))) << flags.back();
  }
}

TEST_F(Ext4, of_several_kernels_the_one_that_is_linked_is_found) {
  write("boot/vmlinuz-5.10", "OLDER", 2 * mebibyte);
  std::filesystem::create_symlink("boot/vmlinuz-6.1", root / "vmlinuz");
  std::filesystem::create_symlink("boot/initrd.img-6.1", root / "initrd.img");
  FileDisk disk = make({"-t", "ext4", "-b", "4096"});
  const RangeSet kernel = set_of(disk.explored(), Need::kernel);
  EXPECT_TRUE(kernel.contains(disk.block_with("KERNEL")));
  EXPECT_FALSE(kernel.contains(disk.block_with("OLDER")));
}

TEST_F(Ext4, a_damaged_file_system_ends_the_search_within_its_limits) {
  const FileDisk good = make({"-t", "ext4"});
  std::mt19937_64 random(7);
  for (int run = 0; run < 24; ++run) {
    FileDisk disk = good;
    for (int i = 0; i < 2000; ++i)
      disk.bytes()[random() % (run % 2 == 0 ? 16 * 1024 : mebibyte)] = static_cast<char>(random());
    // The superblock stays what it says it is.
    disk.bytes()[1024 + 0x38] = '\x53';
    disk.bytes()[1024 + 0x39] = '\xef';
    const Findings found = disk.explored();
    EXPECT_LE(found.total, LayoutLimits().blocks);
    for (const auto& list : found.blocks) {
      for (const BlockRange& range : list)
        EXPECT_LE(range.end().value(), 64 * 256U);
    }
  }
}

TEST_F(Ext4, links_in_a_circle_end) {
  std::filesystem::remove(root / "usr/sbin/init");
  std::filesystem::create_symlink("/sbin/telinit", root / "usr/sbin/init");
  std::filesystem::create_symlink("init", root / "usr/sbin/telinit");
  FileDisk disk = make({"-t", "ext4", "-b", "4096"});
  const Findings found = disk.explored();
  EXPECT_TRUE(set_of(found, Need::kernel).contains(disk.block_with("KERNEL")));
  EXPECT_FALSE(set_of(found, Need::init).contains(disk.block_with("SYSTEMD")));
}

}  // namespace
}  // namespace weft::fetcher::layout
