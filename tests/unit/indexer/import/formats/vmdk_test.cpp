// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/parsers.h"
#include "tests/support/indexer/disk_headers.h"
#include "tests/support/indexer/memory_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using ::testing::HasSubstr;

std::string text(const std::string& extents, const std::string& type = "monolithicFlat") {
  return "# Disk DescriptorFile\nversion=1\nCID=0badcafe\nparentCID=ffffffff\ncreateType=\"" +
         type + "\"\n" + extents;
}
Result<FileReferences> read(std::string_view content) {
  test::MemoryFile file(std::as_bytes(std::span(content)));
  return read_references(DiskFormat::vmdk, file);
}
std::string refusal(std::string_view content) {
  const auto outcome = read(content);
  EXPECT_FALSE(outcome) << content;
  return outcome ? "" : outcome.error().detail;
}
test::HeaderWriter sparse(std::uint64_t capacity = 100) {
  test::HeaderWriter header(512 + 20 * 512);
  header.text(0, "KDMV").little(12, capacity).little(28, std::uint64_t{1});
  return header;
}
Result<FileReferences> read(const test::HeaderWriter& header) {
  test::MemoryFile file(header.bytes());
  return read_references(DiskFormat::vmdk, file);
}

TEST(VmdkDescriptor, extents_of_each_type) {
  const auto found = read(text(
      "RW 100 FLAT \"a b.vmdk\" 7\r\n  RW 200 SPARSE \"s.vmdk\"\nRW 5 VMFS \"v\"\nddb.x = \"1\"",
      "twoGbMaxExtentFlat"));
  ASSERT_TRUE(found) << found.error().message();
  const VmdkDescriptor& d = *found->descriptor;
  ASSERT_EQ(d.extents.size(), 3U);
  EXPECT_EQ(d.create_type, "twoGbMaxExtentFlat");
  EXPECT_EQ(d.cid, 0x0badcafeU);
  EXPECT_EQ(d.extents[0].file, "a b.vmdk");
  EXPECT_EQ(d.extents[0].sectors, 100U);
  EXPECT_EQ(d.extents[0].offset, 7U);
  EXPECT_EQ(d.extents[1].type, "SPARSE");
  EXPECT_EQ(d.extents[2].type, "VMFS");
}

TEST(VmdkDescriptor, no_extent_is_passed_over) {
  EXPECT_THAT(refusal(text("RDONLY 100 FLAT \"a\" 0\n")), HasSubstr("not RW"));
  EXPECT_THAT(refusal(text("RW 100 ZERO\n")), HasSubstr("type"));
  EXPECT_THAT(refusal(text("RW 100 FLAT \"a\"\n")), HasSubstr("damaged"));
  EXPECT_THAT(refusal(text("RW 0 FLAT \"a\" 0\n")), HasSubstr("damaged"));
  EXPECT_THAT(refusal(text("RW 99999999999999 FLAT \"a\" 0\n")), HasSubstr("damaged"));
  EXPECT_THAT(refusal(text("RW 100 FLAT \"" + std::string(512, 'a') + "\" 0\n")),
              HasSubstr("damaged"));
  EXPECT_THAT(refusal(text("RW 100 FLAT \"a 0\n")), HasSubstr("damaged"));
  EXPECT_THAT(refusal(text("")), HasSubstr("no extents"));
}

TEST(VmdkDescriptor, number_of_extents_is_bounded) {
  std::string extents;
  for (int i = 0; i < 513; ++i)
    extents += "RW 1 FLAT \"a\" 0\n";
  EXPECT_THAT(refusal(text(extents)), HasSubstr("512"));
}

TEST(VmdkDescriptor, types_that_mean_devices_are_refused) {
  EXPECT_THAT(refusal(text("RW 100 FLAT \"/dev/sda\" 0\n", "fullDevice")), HasSubstr("fullDevice"));
}

TEST(VmdkDescriptor, parent_is_found_wherever_qemu_finds_it) {
  EXPECT_EQ(read(text("#parentFileNameHint=\"base.vmdk\"\nRW 1 FLAT \"a\" 0\n")).value().backing,
            "base.vmdk");
  EXPECT_THAT(refusal(text("parentFileNameHint = \"x\"\nRW 1 FLAT \"a\" 0\n")),
              HasSubstr("damaged"));
  EXPECT_THAT(refusal("parentCID=12345678\ncreateType=\"vmfs\"\nRW 1 VMFS \"a\"\n"),
              HasSubstr("does not name"));
}

TEST(VmdkSparse, parent_is_read_from_the_text_inside) {
  EXPECT_EQ(read(sparse()).value().backing, std::nullopt);
  EXPECT_EQ(
      read(sparse().text(512, "parentCID=1\nparentFileNameHint=\"p.vmdk\"\n")).value().backing,
      "p.vmdk");
}

TEST(VmdkSparse, descriptor_in_disguise_is_refused) {
  const auto disguised = read(sparse(0).text(512, text("RW 1 FLAT \"/etc/passwd\" 0\n")));
  ASSERT_FALSE(disguised);
  EXPECT_THAT(disguised.error().detail, HasSubstr("capacity"));
  test::MemoryFile extent(sparse(0).bytes());
  EXPECT_FALSE(check_vmdk_extent("SPARSE", extent));
  test::MemoryFile whole(sparse().bytes());
  EXPECT_TRUE(check_vmdk_extent("SPARSE", whole));
}

TEST(VmdkSparse, extent_must_be_one) {
  const std::string content(1024, 'x');
  test::MemoryFile file(std::as_bytes(std::span(content)));
  EXPECT_FALSE(check_vmdk_extent("SPARSE", file));
  EXPECT_TRUE(check_vmdk_extent("FLAT", file));
}

}  // namespace
}  // namespace weft
