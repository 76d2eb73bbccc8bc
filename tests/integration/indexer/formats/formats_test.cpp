// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/qemu_image.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

// Images made by qemu-img are read as qemu-img reads them, in every format.
namespace weft {
namespace {

struct Row {
  std::string name;
  std::string format;
  std::vector<std::string> options;  // of qemu-img convert
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class Formats : public testing::TestWithParam<Row> {
 protected:
  void expect_same(ByteCount size) {
    const auto raw = test::make_raw(dir_.path(), size);
    const auto image = dir_ / "image";
    std::vector<std::string> arguments{"convert", "-f", "raw", "-O", GetParam().format};
    arguments.insert(arguments.end(), GetParam().options.begin(), GetParam().options.end());
    arguments.insert(arguments.end(), {raw.string(), image.string()});
    test::qemu_img(std::move(arguments));
    const auto got = test::as_weft_reads(image);
    ASSERT_TRUE(got) << got.error().message();
    const auto expected = test::as_qemu_reads(image, GetParam().format);
    ASSERT_GE(expected.size(), size.value());
    EXPECT_EQ(got->size(), expected.size());
    EXPECT_TRUE(*got == expected);
  }
  test::TempDirectory dir_;
};

TEST_P(Formats, is_read_as_qemu_reads_it) {
  expect_same(ByteCount(5'000'000 / 4096 * 4096));
}

TEST_P(Formats, size_that_is_no_multiple_of_a_block_is_kept) {
  expect_same(ByteCount(2'000'000 / 4096 * 4096 + 3 * 512));
}

INSTANTIATE_TEST_SUITE_P(
    EveryFormat, Formats,
    testing::Values(Row{"qcow2", "qcow2", {}}, Row{"qcow2_v2", "qcow2", {"-o", "compat=0.10"}},
                    Row{"qcow2_compressed", "qcow2", {"-c"}},
                    Row{"qcow2_zstd", "qcow2", {"-c", "-o", "compression_type=zstd"}},
                    Row{"qcow2_small_clusters", "qcow2", {"-o", "cluster_size=512"}},
                    Row{"qcow2_extended_l2", "qcow2", {"-o", "extended_l2=on,cluster_size=128k"}},
                    Row{"qcow", "qcow", {}}, Row{"qed", "qed", {}},
                    Row{"vmdk_sparse", "vmdk", {"-o", "subformat=monolithicSparse"}},
                    Row{"vmdk_flat", "vmdk", {"-o", "subformat=monolithicFlat"}},
                    Row{"vmdk_split_sparse", "vmdk", {"-o", "subformat=twoGbMaxExtentSparse"}},
                    Row{"vmdk_split_flat", "vmdk", {"-o", "subformat=twoGbMaxExtentFlat"}},
                    Row{"vmdk_stream", "vmdk", {"-o", "subformat=streamOptimized"}},
                    Row{"vpc_dynamic", "vpc", {"-o", "subformat=dynamic"}},
                    Row{"vpc_fixed", "vpc", {"-o", "subformat=fixed"}},
                    Row{"vhdx_dynamic", "vhdx", {"-o", "subformat=dynamic"}},
                    Row{"vhdx_fixed", "vhdx", {"-o", "subformat=fixed"}}, Row{"vdi", "vdi", {}},
                    Row{"vdi_static", "vdi", {"-o", "static=on"}},
                    Row{"parallels", "parallels", {}}),
    [](const auto& info) { return info.param.name; });

class Chains : public testing::Test {
 protected:
  void expect_same(const std::filesystem::path& image) {
    const auto got = test::as_weft_reads(image);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(*got == test::as_qemu_reads(image));
  }
  void make_overlay(const std::string& name, const std::string& backing,
                    const std::string& backing_format, const std::string& format = "qcow2") {
    const auto image = dir_ / name;
    std::filesystem::current_path(dir_.path());
    test::qemu_img({"create", "-q", "-f", format, "-b", backing, "-F", backing_format, name});
    ++written_;
    test::qemu_io(image, {"write -P " + std::to_string(written_) + " " +
                          std::to_string(written_ * 200) + "k 100k"});
  }
  test::TempDirectory dir_;
  int written_ = 0;
};

TEST_F(Chains, three_images_over_a_raw_one) {
  const auto raw = test::make_raw(dir_.path(), ByteCount(3 << 20));
  make_overlay("a.qcow2", raw.filename(), "raw");
  make_overlay("b.qed", "a.qcow2", "qcow2", "qed");
  make_overlay("c.qcow2", "b.qed", "qed");
  expect_same(dir_ / "c.qcow2");
}

TEST_F(Chains, backing_file_longer_and_shorter_than_the_image) {
  const auto raw = test::make_raw(dir_.path(), ByteCount(3 << 20));
  make_overlay("longer.qcow2", raw.filename(), "raw");
  test::qemu_img({"resize", "-q", dir_ / "longer.qcow2", "5M"});
  make_overlay("shorter.qcow2", "longer.qcow2", "qcow2");
  test::qemu_img({"resize", "-q", "--shrink", dir_ / "shorter.qcow2", "2M"});
  expect_same(dir_ / "longer.qcow2");
  expect_same(dir_ / "shorter.qcow2");
}

TEST_F(Chains, qcow2_with_its_data_in_another_file) {
  for (const std::string raw_file : {"on", "off"}) {
    const auto raw = test::make_raw(dir_.path(), ByteCount(3 << 20));
    test::qemu_img({"convert", "-f", "raw", "-O", "qcow2", "-o",
                    "data_file=" + (dir_ / "data").string() + ",data_file_raw=" + raw_file, raw,
                    dir_ / "with_data"});
    expect_same(dir_ / "with_data");
  }
}

TEST_F(Chains, vmdk_over_a_vmdk_in_extents) {
  const auto raw = test::make_raw(dir_.path(), ByteCount(3 << 20));
  test::qemu_img({"convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", raw,
                  dir_ / "base.vmdk"});
  make_overlay("over.vmdk", "base.vmdk", "vmdk", "vmdk");
  expect_same(dir_ / "over.vmdk");
}

TEST_F(Chains, backing_file_of_a_probed_format) {
  const auto raw = test::make_raw(dir_.path(), ByteCount(3 << 20));
  test::qemu_img({"convert", "-f", "raw", "-O", "vdi", raw, dir_ / "base.vdi"});
  make_overlay("over.qcow2", "base.vdi", "vdi");
  test::qemu_img({"rebase", "-u", "-b", "base.vdi", "-F", "vdi", dir_ / "over.qcow2"});
  expect_same(dir_ / "over.qcow2");
}

TEST(RawFormats, footer_of_a_fixed_vhd_is_content_if_it_is_said_to_be_raw) {
  const test::TempDirectory dir;
  const auto raw = test::make_raw(dir.path(), ByteCount(1 << 20));
  test::qemu_img({"convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed", raw, dir / "vhd"});
  const auto got =
      test::as_weft_reads(dir / "vhd", {.format = DiskFormat::raw, .allow_backing = {}});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_TRUE(*got == test::read_file(dir / "vhd"));
}

TEST(Holes, cost_nothing_however_large_the_image) {
  const test::TempDirectory dir;
  const auto image = dir / "huge.qcow2";
  test::qemu_img({"create", "-q", "-f", "qcow2", image, "1T"});
  test::qemu_io(image, {"write -P 7 700G 64k", "write -P 8 1000G 64k"});
  const auto opened = open_source(posix_file_system(), image, {});
  ASSERT_TRUE(opened) << opened.error().message();
  std::uint64_t data = 0;
  for (ByteOffset at;;) {
    const auto extent = opened->source->next_data(at);
    ASSERT_TRUE(extent) << extent.error().message();
    if (!*extent) break;
    data += (*extent)->length.value();
    at = (*extent)->offset + (*extent)->length;
  }
  EXPECT_EQ(opened->source->size(), ByteCount(std::uint64_t{1} << 40));
  EXPECT_EQ(data, 2 * 65536U);
}

}  // namespace
}  // namespace weft
