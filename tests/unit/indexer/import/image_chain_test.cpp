// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/image_chain.h"

#include "tests/support/indexer/disk_headers.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace weft {
namespace {

using test::Qcow2Header;
using ::testing::HasSubstr;
namespace stdfs = std::filesystem;

class Chain : public testing::Test {
 protected:
  Chain() {
    stdfs::create_directory(own());
    stdfs::create_directory(elsewhere());
  }
  [[nodiscard]] stdfs::path own() const { return dir_ / "own"; }
  [[nodiscard]] stdfs::path elsewhere() const { return dir_ / "elsewhere"; }
  static void write(const stdfs::path& path, const Qcow2Header& header) {
    test::write_file(path, test::qcow2_header(header));
  }
  static void write(const stdfs::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  Result<ImageChain> open(const std::string& name = "top.qcow2",
                          const std::vector<stdfs::path>& allowed = {},
                          DiskFormat format = DiskFormat::qcow2) {
    WEFT_TRY(SourceFile top, open_source_file(posix_file_system(), own() / name));
    return open_chain(posix_file_system(), std::move(top), format, allowed);
  }
  void expect_refused(Errc code, const std::string& words, const std::string& name = "top.qcow2",
                      DiskFormat format = DiskFormat::qcow2) {
    const auto chain = open(name, {}, format);
    ASSERT_FALSE(chain);
    EXPECT_TRUE(chain.error().is(code)) << chain.error().message();
    EXPECT_THAT(chain.error().detail, HasSubstr(words));
  }
  test::TempDirectory dir_;
};

TEST_F(Chain, files_in_the_own_directory_are_opened_top_first) {
  write(own() / "top.qcow2", {.backing = "mid", .backing_format = "qcow2"});
  write(own() / "mid", {.backing = (own() / "base").string(), .backing_format = "raw"});
  write(own() / "base", "raw content");
  const auto chain = open();
  ASSERT_TRUE(chain) << chain.error().message();
  ASSERT_EQ(chain->layers.size(), 3U);
  EXPECT_EQ(chain->layers[1].file.path, stdfs::canonical(own() / "mid"));
  EXPECT_EQ(chain->layers[2].format, DiskFormat::raw);
}

TEST_F(Chain, backing_file_elsewhere_needs_to_be_allowed) {
  for (const stdfs::path& base : {elsewhere() / "base", own() / "below" / "base"}) {
    stdfs::create_directories(base.parent_path());
    write(own() / "top.qcow2", {.backing = base.string(), .backing_format = "raw"});
    write(base, "raw content");
    expect_refused(Errc::outside_file, "--allow-backing " + base.parent_path().string());
    EXPECT_TRUE(open("top.qcow2", {base.parent_path()}));
    EXPECT_TRUE(open("top.qcow2", {dir_ / "missing", dir_.path()}));
  }
}

TEST_F(Chain, directory_whose_name_begins_alike_is_not_allowed) {
  stdfs::create_directory(dir_ / "elsewhere2");
  write(dir_ / "elsewhere2" / "base", "raw content");
  write(own() / "top.qcow2", {.backing = "../elsewhere2/base", .backing_format = "raw"});
  EXPECT_TRUE(open("top.qcow2", {elsewhere()}).error().is(Errc::outside_file));
}

TEST_F(Chain, host_files_are_refused_by_whatever_way) {
  stdfs::create_symlink("/etc/passwd", own() / "link");
  stdfs::create_directory_symlink("/etc", own() / "etc");
  for (const std::string name : {"/etc/passwd", "../../../etc/passwd", "link", "etc/passwd",
                                 "/proc/self/environ", "/dev/zero", "/etc/no such file"}) {
    write(own() / "top.qcow2", {.backing = name, .backing_format = "raw"});
    expect_refused(Errc::outside_file, "outside its directory");
    write(own() / "top.qcow2", {.data_file = name, .incompatible = 4});
    expect_refused(Errc::outside_file, "outside its directory");
  }
}

TEST_F(Chain, names_with_a_protocol_are_refused) {
  for (const std::string name :
       {"nbd:localhost:10809", "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}",
        "http://127.0.0.1/x", "file:base", "fat:/etc", "a:b"}) {
    write(own() / "top.qcow2", {.backing = name, .backing_format = "raw"});
    write(own() / "base", "raw content");
    expect_refused(Errc::outside_file, "not a plain file name");
  }
}

TEST_F(Chain, loops_are_found) {
  write(own() / "top.qcow2", {.backing = "top.qcow2", .backing_format = "qcow2"});
  expect_refused(Errc::bad_image, "loop");
  write(own() / "top.qcow2", {.backing = "mid", .backing_format = "qcow2"});
  write(own() / "mid", {.backing = "link", .backing_format = "qcow2"});
  stdfs::create_symlink("top.qcow2", own() / "link");
  expect_refused(Errc::bad_image, "loop");
  write(own() / "top.qcow2", {.data_file = "top.qcow2", .incompatible = 4});
  expect_refused(Errc::bad_image, "itself an image");
}

TEST_F(Chain, depth_is_bounded) {
  for (int i = 0; i < 65; ++i) {
    const auto next = std::to_string(i + 1);
    write(own() / std::to_string(i),
          i == 64 ? Qcow2Header{} : Qcow2Header{.backing = next, .backing_format = "qcow2"});
  }
  expect_refused(Errc::bad_image, "more than 64", "0");
  EXPECT_TRUE(open("1"));
}

TEST_F(Chain, missing_backing_file_is_named) {
  write(own() / "top.qcow2", {.backing = "gone", .backing_format = "qcow2"});
  expect_refused(Errc::bad_image, (own() / "gone").string());
}

TEST_F(Chain, backing_format_that_is_not_stated_is_probed_but_never_raw) {
  write(own() / "top.qcow2", Qcow2Header{.backing = "base"});
  write(own() / "base", Qcow2Header{});
  EXPECT_EQ(open().value().layers.at(1).format, DiskFormat::qcow2);
  write(own() / "base", "what a guest wrote to a raw disk");
  expect_refused(Errc::bad_image, "-F raw");
}

TEST_F(Chain, stated_format_counts_whatever_the_bytes_say) {
  write(own() / "base", Qcow2Header{.backing = "/etc/passwd", .backing_format = "raw"});
  write(own() / "top.qcow2", {.backing = "base", .backing_format = "raw"});
  EXPECT_EQ(open().value().layers.size(), 2U);
  write(own() / "base", "raw content");
  write(own() / "top.qcow2", {.backing = "base", .backing_format = "qcow2"});
  expect_refused(Errc::bad_image, "base");
  write(own() / "top.qcow2", {.backing = "base", .backing_format = "host_device"});
  expect_refused(Errc::bad_image, "host_device");
}

TEST_F(Chain, vmdk_extents_are_files_like_backing_files) {
  const auto descriptor = [](const std::string& extent) {
    return "# Disk DescriptorFile\ncreateType=\"monolithicFlat\"\nRW 8 FLAT \"" + extent + "\" 0\n";
  };
  write(own() / "flat", std::string(4096, 'x'));
  write(own() / "d.vmdk", descriptor("flat"));
  EXPECT_EQ(open("d.vmdk", {}, DiskFormat::vmdk).value().layers.at(0).extents.size(), 1U);
  for (const std::string name : {"/etc/passwd", "../elsewhere/x"}) {
    write(own() / "d.vmdk", descriptor(name));
    expect_refused(Errc::outside_file, name, "d.vmdk", DiskFormat::vmdk);
  }
}

TEST_F(Chain, change_of_any_file_is_noticed) {
  write(own() / "top.qcow2", {.backing = "base", .backing_format = "raw"});
  write(own() / "base", "raw content");
  const auto chain = open();
  ASSERT_TRUE(chain);
  EXPECT_TRUE(chain->check_unchanged(posix_file_system()));
  write(own() / "base", "other content");
  EXPECT_TRUE(chain->check_unchanged(posix_file_system()).error().is(Errc::source_changed));
}

}  // namespace
}  // namespace weft
