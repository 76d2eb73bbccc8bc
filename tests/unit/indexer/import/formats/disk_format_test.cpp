// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/disk_format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace weft {
namespace {

using namespace std::string_view_literals;

std::vector<std::byte> with(std::string_view magic, std::size_t offset, std::size_t size = 512) {
  std::vector<std::byte> bytes(size);
  std::memcpy(bytes.data() + offset, magic.data(), magic.size());
  return bytes;
}

TEST(DiskFormat, containers_are_known_by_their_magic) {
  struct Row {
    std::string_view magic;
    std::size_t offset;
    std::string_view format;
  };
  const Row rows[] = {
      {"QFI\xfb\0\0\0\3"sv, 0, "qcow2"},
      {"KDMV\1\0\0\0"sv, 0, "vmdk"},
      {"# Disk DescriptorFile\nversion=1"sv, 0, "vmdk"},
      {"vhdxfile"sv, 0, "vhdx"},
      {"conectix"sv, 0, "vpc"},
      {"\x7f\x10\xda\xbe"sv, 64, "vdi"},
      {"QED\0"sv, 0, "qed"},
      {"QFI\xfb\0\0\0\1"sv, 0, "qcow"},
      {"WithoutFreeSpace"sv, 0, "parallels"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(to_string(container_format(with(row.magic, row.offset), {})), row.format);
}

TEST(DiskFormat, names_are_qemus_and_two_of_the_world) {
  for (const auto name : {"raw", "qcow2", "qcow", "qed", "vmdk", "vpc", "vhdx", "vdi", "parallels",
                          "bochs", "cloop", "dmg"}) {
    const auto format = disk_format_named(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(to_string(*format), name);
  }
  EXPECT_EQ(disk_format_named("vhd"), DiskFormat::vpc);
  EXPECT_EQ(disk_format_named("iso"), DiskFormat::raw);
  EXPECT_EQ(disk_format_named("nbd"), std::nullopt);
  EXPECT_EQ(disk_format_named(""), std::nullopt);
}

TEST(DiskFormat, fixed_vhd_is_known_by_its_footer) {
  EXPECT_EQ(container_format(with("", 0), with("conectix", 0)), DiskFormat::vpc);
}

TEST(DiskFormat, raw_disks_are_not_taken_for_containers) {
  EXPECT_EQ(container_format(with("\x55\xaa"sv, 510), with("", 0)),
            DiskFormat::raw);  // boot sector
  EXPECT_EQ(container_format(with("EFI PART"sv, 512, 4096), with("", 0)), DiskFormat::raw);  // GPT
  EXPECT_EQ(container_format(with("QFI\xfb"sv, 100), with("", 0)), DiskFormat::raw);  // elsewhere
  EXPECT_EQ(container_format(with("x", 0), with("conectix", 4)), DiskFormat::raw);    // elsewhere
}

TEST(DiskFormat, files_of_a_few_bytes_are_looked_at_safely) {
  const auto head = with("QFI\xfb"sv, 0);
  for (std::size_t size = 0; size < 4; ++size)
    EXPECT_EQ(container_format(std::span(head).first(size), std::span(head).first(size)),
              DiskFormat::raw);
  EXPECT_EQ(container_format(std::span(head).first(4), {}), DiskFormat::qcow2);
}

TEST(DiskFormat, compressed_needs_both_name_and_bytes) {
  const auto xz = with(
      "\xfd"
      "7zXZ\0"sv,
      0);
  EXPECT_EQ(compressed_with("disk.raw.xz", xz), "xz");
  EXPECT_EQ(compressed_with("disk.raw", xz), "");
  EXPECT_EQ(compressed_with("disk.xz", with("", 0)), "");
  EXPECT_EQ(compressed_with("disk.gz", with("\x1f\x8b"sv, 0)), "gzip");
  EXPECT_EQ(compressed_with("disk.zst", with("\x28\xb5\x2f\xfd"sv, 0)), "zstd");
}

}  // namespace
}  // namespace weft
