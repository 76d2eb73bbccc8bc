// SPDX-License-Identifier: Apache-2.0
#include "fetcher/layout/partitions.h"

#include "tests/unit/fetcher/layout/fake_disk.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace weft::fetcher::layout {
namespace {

using testing::FakeDisk;
using testing::set_of;

constexpr std::uint64_t size = 64U << 20;
constexpr std::uint64_t mebibyte = 1U << 20;

BlockRange bytes(std::uint64_t offset, std::uint64_t length) {
  return {BlockIndex(offset / block_size), BlockCount(length / block_size)};
}

void mbr_entry(FakeDisk& disk, int index, std::uint8_t type, std::uint32_t first,
               std::uint32_t sectors) {
  const std::uint64_t at = 446 + 16 * static_cast<std::uint64_t>(index);
  disk.number<std::uint8_t>(at + 4, type);
  disk.number(at + 8, first);
  disk.number(at + 12, sectors);
  disk.number<std::uint16_t>(510, 0xaa55);
}

void gpt(FakeDisk& disk, std::uint32_t entries, std::uint32_t entry_size) {
  mbr_entry(disk, 0, 0xee, 1, 0xffffffff);
  disk.number<std::uint64_t>(512, 0x5452415020494645);
  disk.number<std::uint64_t>(512 + 72, 2);
  disk.number(512 + 80, entries);
  disk.number(512 + 84, entry_size);
}

void gpt_entry(FakeDisk& disk, std::uint64_t index, std::uint64_t first, std::uint64_t last,
               std::uint64_t type = 7) {
  const std::uint64_t at = 1024 + 128 * index;
  disk.number(at, type);
  disk.number(at + 8, type == 7 ? std::uint64_t{9} : 0x494645646565'4e74);
  disk.number(at + 32, first);
  disk.number(at + 40, last);
}

std::vector<Partition> found(FakeDisk& disk) {
  disk.all_here = true;
  const LayoutLimits limits;
  DiskView view(disk, size, limits);
  return partitions(view);
}

TEST(Partitions, without_a_table_the_disk_is_one) {
  FakeDisk disk(size);
  const auto all = found(disk);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].offset, 0U);
  EXPECT_EQ(all[0].length, size);
}

TEST(Partitions, of_an_mbr_are_its_primary_ones) {
  FakeDisk disk(size);
  mbr_entry(disk, 0, 0x83, 2048, 2048);
  mbr_entry(disk, 1, 0x05, 4096, 2048);
  mbr_entry(disk, 2, 0x83, 8192, 0xffffffff);
  const auto all = found(disk);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].offset, mebibyte);
  EXPECT_EQ(all[0].length, mebibyte);
  EXPECT_EQ(all[1].length, size - 4 * mebibyte) << "not beyond the disk";
}

TEST(Partitions, of_a_gpt_say_what_they_are_for) {
  FakeDisk disk(size);
  gpt(disk, 128, 128);
  gpt_entry(disk, 0, 2048, 4095, 0x6e6f644968614821);  // reads as the bytes of the boot loader's
  gpt_entry(disk, 3, 8192, 16383);
  const auto all = found(disk);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].offset, 4 * mebibyte);
  EXPECT_EQ(all[1].length, 4 * mebibyte);
  EXPECT_EQ(all[1].kind, Partition::Kind::data);
}

TEST(Partitions, that_make_no_sense_are_left_out) {
  FakeDisk disk(size);
  gpt(disk, 0xffffffff, 128);
  gpt_entry(disk, 0, 0, 4095);
  gpt_entry(disk, 1, 5000, 4999);
  gpt_entry(disk, 2, ~std::uint64_t{0}, ~std::uint64_t{0});
  gpt_entry(disk, 3, ~std::uint64_t{0} / 512 + 3, ~std::uint64_t{0});
  EXPECT_TRUE(found(disk).empty());
  FakeDisk huge_entries(size);
  gpt(huge_entries, 4, 1U << 30);
  EXPECT_TRUE(found(huge_entries).empty());
}

TEST(Layout, an_unknown_file_system_gives_its_ends_and_the_gap_before_it) {
  FakeDisk disk(size);
  mbr_entry(disk, 0, 0x07, 8192, 16384);  // 4 MiB … 12 MiB
  const Findings findings = disk.explored();
  EXPECT_TRUE(set_of(findings, Need::start).covers(bytes(0, mebibyte)));
  EXPECT_TRUE(set_of(findings, Need::start).covers(bytes(4 * mebibyte, mebibyte)));
  EXPECT_EQ(set_of(findings, Need::soon).ranges(), std::vector{bytes(11 * mebibyte, mebibyte)});
}

TEST(Layout, a_disk_without_a_table_or_file_system_gives_only_its_beginning) {
  FakeDisk disk(size);
  const Findings findings = disk.explored();
  EXPECT_EQ(findings.total, BlockCount(1)) << "table and superblock";
}

TEST(Layout, what_is_not_here_is_asked_for_and_then_followed) {
  FakeDisk disk(size);
  gpt(disk, 4, 128);
  gpt_entry(disk, 0, 8192, 16383);
  const Findings blind = explore(disk, size);
  EXPECT_EQ(set_of(blind, Need::start).ranges(), std::vector{bytes(0, block_size)});
  EXPECT_EQ(disk.needed.ranges(), std::vector{bytes(0, block_size)});
  const Findings seen = disk.explored();
  EXPECT_TRUE(set_of(seen, Need::start).covers(bytes(4 * mebibyte, mebibyte)));
  EXPECT_LE(disk.rounds, 4);
}

}  // namespace
}  // namespace weft::fetcher::layout
