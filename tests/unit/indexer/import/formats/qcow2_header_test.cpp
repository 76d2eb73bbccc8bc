// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/formats/file_references.h"
#include "tests/support/indexer/disk_headers.h"
#include "tests/support/indexer/memory_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weft {
namespace {

using test::Qcow2Header;
using ::testing::HasSubstr;

Result<FileReferences> read(const std::vector<std::byte>& bytes) {
  test::MemoryFile file(bytes);
  return read_references(DiskFormat::qcow2, file);
}
Result<FileReferences> read(const Qcow2Header& header) {
  return read(test::qcow2_header(header));
}
std::string refusal(const Result<FileReferences>& outcome) {
  EXPECT_FALSE(outcome);
  if (outcome) return "";
  EXPECT_TRUE(outcome.error().is(Errc::bad_image));
  return outcome.error().detail;
}

TEST(Qcow2, image_alone_names_no_files) {
  for (const std::uint32_t version : {2U, 3U}) {
    const auto found = read({.version = version});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_FALSE(found->backing || found->backing_format || found->data_file || found->descriptor);
  }
}

TEST(Qcow2, backing_file_and_its_format) {
  for (const std::uint32_t version : {2U, 3U}) {
    const auto found =
        read({.version = version, .backing = "base.qcow2", .backing_format = "qcow2"});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->backing, "base.qcow2");
    EXPECT_EQ(found->backing_format, "qcow2");
  }
  EXPECT_EQ(read({.backing = "base"}).value().backing_format, std::nullopt);
}

TEST(Qcow2, longest_name_of_a_backing_file) {
  EXPECT_EQ(read({.backing = std::string(1023, 'x')}).value().backing->size(), 1023U);
  EXPECT_THAT(refusal(read({.backing = std::string(1024, 'x')})), HasSubstr("damaged"));
}

TEST(Qcow2, data_file_counts_only_with_its_feature_bit) {
  EXPECT_EQ(read({.data_file = "data", .incompatible = 4}).value().data_file, "data");
  EXPECT_EQ(read({.data_file = "data"}).value().data_file, std::nullopt);
  EXPECT_THAT(refusal(read({.incompatible = 4})), HasSubstr("does not name"));
}

TEST(Qcow2, names_with_control_characters_are_damage) {
  EXPECT_THAT(refusal(read({.backing = std::string("ba\0se", 5)})), HasSubstr("damaged"));
  EXPECT_THAT(refusal(read({.backing = "ba\nse"})), HasSubstr("damaged"));
  EXPECT_THAT(refusal(read({.backing = "b", .backing_format = "r\x7fw"})), HasSubstr("damaged"));
}

TEST(Qcow2, encrypted_image_says_how) {
  EXPECT_THAT(refusal(read({.crypt_method = 1})), HasSubstr("encrypted (AES)"));
  EXPECT_THAT(refusal(read({.crypt_method = 2})), HasSubstr("encrypted (LUKS)"));
}

TEST(Qcow2, feature_bits) {
  EXPECT_TRUE(read({.incompatible = 1}));  // dirty: its reference counts are not needed
  EXPECT_THAT(refusal(read({.incompatible = 2})), HasSubstr("qemu-img check"));
  EXPECT_THAT(refusal(read({.incompatible = 1U << 5})), HasSubstr("not known"));
}

TEST(Qcow2, header_cut_anywhere_is_damage_or_the_same_names) {
  const auto whole = test::qcow2_header(
      {.backing = "base", .backing_format = "raw", .data_file = "data", .incompatible = 4});
  for (std::size_t size = 0; size < 400; ++size) {
    const auto found = read(std::vector(whole.begin(), whole.begin() + static_cast<long>(size)));
    if (!found) continue;
    EXPECT_EQ(found->backing, "base");
    EXPECT_EQ(found->data_file, "data");
  }
}

TEST(Qcow2, offsets_and_lengths_out_of_bounds_are_damage) {
  struct Row {
    std::string what;
    std::size_t at;
    std::uint64_t value;
    std::size_t width;
  };
  const Row rows[] = {
      {"backing offset", 8, ~0ULL, 8},
      {"backing offset", 8, 65536, 8},
      {"backing offset in the header", 8, 5, 8},
      {"backing length", 16, 0xffffffff, 4},
      {"cluster bits", 20, 8, 4},
      {"cluster bits", 20, 64, 4},
      {"version", 4, 4, 4},
      {"header length", 100, 8, 4},
      {"header length", 100, 0xffffffff, 4},
      {"extension length", 108, 0xffffffff, 4},
  };
  for (const Row& row : rows) {
    test::HeaderWriter header(0);
    const auto whole = test::qcow2_header({.backing = "base", .backing_format = "raw"});
    header.text(0, {reinterpret_cast<const char*>(whole.data()), whole.size()});
    if (row.width == 8) {
      header.big(row.at, row.value);
    } else {
      header.big(row.at, static_cast<std::uint32_t>(row.value));
    }
    EXPECT_NE(refusal(read(header.bytes())), "") << row.what << " " << row.value;
  }
}

}  // namespace
}  // namespace weft
