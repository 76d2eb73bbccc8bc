// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/file_references.h"
#include "tests/support/indexer/disk_headers.h"
#include "tests/support/indexer/memory_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using test::HeaderWriter;
using ::testing::HasSubstr;
using namespace std::string_view_literals;

Result<FileReferences> read(DiskFormat format, const HeaderWriter& header) {
  test::MemoryFile file(header.bytes());
  return read_references(format, file);
}
std::string refusal(DiskFormat format, const HeaderWriter& header) {
  const auto outcome = read(format, header);
  EXPECT_FALSE(outcome);
  return outcome ? "" : outcome.error().detail;
}

HeaderWriter vhd(std::uint32_t type, std::size_t at = 0) {
  HeaderWriter header(2048);
  header.text(at, "conectix").big(at + 60, type);
  return header;
}

TEST(Vhd, differencing_disk_is_refused) {
  EXPECT_TRUE(read(DiskFormat::vpc, vhd(3)));
  EXPECT_TRUE(read(DiskFormat::vpc, vhd(2, 1536)));
  EXPECT_THAT(refusal(DiskFormat::vpc, vhd(4)), HasSubstr("differencing"));
  EXPECT_THAT(refusal(DiskFormat::vpc, vhd(4, 1536)), HasSubstr("differencing"));
  EXPECT_THAT(refusal(DiskFormat::vpc, vhd(9)), HasSubstr("damaged"));
  EXPECT_THAT(refusal(DiskFormat::vpc, HeaderWriter(2048)), HasSubstr("not a VHD"));
  EXPECT_THAT(refusal(DiskFormat::vpc, HeaderWriter(100)), HasSubstr("cut short"));
}

constexpr std::uint64_t metadata_at = 1 << 20;

HeaderWriter vhdx(std::uint32_t parameters) {
  HeaderWriter header((2 << 20) + 64);
  header.text(0, "vhdxfile").text(192 << 10, "regi").little((192 << 10) + 8, std::uint32_t{1});
  header.text((192 << 10) + 16,
              "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e"sv);
  header.little((192 << 10) + 32, metadata_at);
  header.text(metadata_at, "metadata").little(metadata_at + 10, std::uint16_t{1});
  header.text(metadata_at + 32,
              "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"sv);
  header.little(metadata_at + 48, std::uint32_t{65536});
  header.little(metadata_at + 65536 + 4, parameters);
  return header;
}

TEST(Vhdx, differencing_disk_is_refused) {
  EXPECT_TRUE(read(DiskFormat::vhdx, vhdx(0)));
  EXPECT_TRUE(read(DiskFormat::vhdx, vhdx(1)));
  EXPECT_THAT(refusal(DiskFormat::vhdx, vhdx(2)), HasSubstr("differencing"));
}

TEST(Vhdx, tables_out_of_bounds_are_damage) {
  EXPECT_NE(refusal(DiskFormat::vhdx, vhdx(0).little((192 << 10) + 8, ~std::uint32_t{0})), "");
  EXPECT_NE(refusal(DiskFormat::vhdx, vhdx(0).little((192 << 10) + 32, ~std::uint64_t{0})), "");
  EXPECT_NE(refusal(DiskFormat::vhdx, vhdx(0).little(metadata_at + 10, std::uint16_t{2048})), "");
  EXPECT_NE(refusal(DiskFormat::vhdx, vhdx(0).little(metadata_at + 48, ~std::uint32_t{0})), "");
}

TEST(Vdi, differencing_disk_is_refused) {
  const auto vdi = [](std::uint32_t type) {
    HeaderWriter header(512);
    header.little(64, std::uint32_t{0xbeda107f}).little(76, type);
    return header;
  };
  EXPECT_TRUE(read(DiskFormat::vdi, vdi(1)));
  EXPECT_TRUE(read(DiskFormat::vdi, vdi(2)));
  EXPECT_THAT(refusal(DiskFormat::vdi, vdi(4)), HasSubstr("differencing"));
  EXPECT_THAT(refusal(DiskFormat::vdi, vdi(3)), HasSubstr("not known"));
}

TEST(Qcow, backing_file_and_encryption) {
  HeaderWriter header(512);
  header.text(0, "QFI\xfb\0\0\0\1"sv);
  EXPECT_EQ(read(DiskFormat::qcow, header).value().backing, std::nullopt);
  header.big(8, std::uint64_t{48}).big(16, std::uint32_t{4}).text(48, "base");
  EXPECT_EQ(read(DiskFormat::qcow, header).value().backing, "base");
  EXPECT_NE(refusal(DiskFormat::qcow, HeaderWriter(header).big(16, std::uint32_t{1024})), "");
  EXPECT_NE(refusal(DiskFormat::qcow, HeaderWriter(header).big(8, ~std::uint64_t{0})), "");
  EXPECT_THAT(refusal(DiskFormat::qcow, header.big(36, std::uint32_t{1})), HasSubstr("encrypted"));
}

TEST(Qed, backing_file_and_its_format) {
  HeaderWriter header(512);
  header.text(0, "QED\0"sv).little(56, std::uint32_t{64}).little(60, std::uint32_t{4});
  header.text(64, "base");
  EXPECT_EQ(read(DiskFormat::qed, header).value().backing, std::nullopt);
  EXPECT_EQ(read(DiskFormat::qed, header.little(16, std::uint64_t{1})).value().backing, "base");
  EXPECT_EQ(read(DiskFormat::qed, header.little(16, std::uint64_t{5})).value().backing_format,
            "raw");
  EXPECT_NE(refusal(DiskFormat::qed, header.little(16, std::uint64_t{8})), "");
}

}  // namespace
}  // namespace weft
