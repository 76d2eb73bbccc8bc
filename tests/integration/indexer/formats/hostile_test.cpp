// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/image_chain.h"
#include "indexer/import/nbd/nbd_source.h"
#include "tests/support/indexer/qemu_image.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Images that are damaged, or made to reach other files.
namespace weft {
namespace {

using ::testing::HasSubstr;
namespace stdfs = std::filesystem;

class Hostile : public testing::Test {
 protected:
  stdfs::path make(const std::string& format, std::vector<std::string> options = {}) {
    const auto raw = test::make_raw(dir_.path(), ByteCount(200 << 10));
    const auto image = dir_ / ("image." + format);
    std::vector<std::string> arguments{"convert", "-f", "raw", "-O", format};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {raw.string(), image.string()});
    test::qemu_img(std::move(arguments));
    return image;
  }
  void expect_refused(const stdfs::path& image, Errc code, const std::string& words) {
    const auto got = test::as_weft_reads(image);
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().is(code)) << got.error().message();
    EXPECT_THAT(got.error().detail, HasSubstr(words));
    EXPECT_THAT(got.error().detail, HasSubstr(image.string()));
  }
  test::TempDirectory dir_;
};

TEST_F(Hostile, backing_file_on_the_host_is_refused) {
  const auto image = make("qcow2");
  stdfs::create_symlink("/etc/passwd", dir_ / "link");
  for (const std::string name : {"/etc/passwd", "link", "json:{\"driver\":\"null-co\"}"}) {
    test::qemu_img({"rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", name, image});
    expect_refused(image, Errc::outside_file, name);
  }
}

/// qemu-img times how fast it derives keys, and gives up when the kernel's account of its processor
/// time has not moved meanwhile: that says nothing of us.
void make_encrypted(const stdfs::path& image) {
  for (int attempts_left = 20; attempts_left > 0; --attempts_left) {
    try {
      test::qemu_img({"create", "-q", "--object", "secret,id=s,data=geheim", "-f", "qcow2", "-o",
                      "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", image,
                      "1M"});
      return;
    } catch (const std::runtime_error& error) {
      const bool untimed = std::string_view(error.what()).contains("accurate CPU usage");
      if (!untimed || attempts_left == 1) throw;
    }
  }
}

TEST_F(Hostile, encrypted_image_is_refused) {
  const auto image = dir_ / "luks.qcow2";
  make_encrypted(image);
  expect_refused(image, Errc::bad_image, "encrypted (LUKS)");
}

TEST_F(Hostile, image_that_qemu_refuses_says_why) {
  const auto image = make("qcow2");
  std::fstream file(image, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(36).write("\x7f\xff\xff\xff", 4);  // size of the first table
  file.close();
  expect_refused(image, Errc::bad_image, "qemu-nbd cannot open it");
}

/// Reads the image as weft and, if that works, as QEMU: the bytes must be the same.
void expect_error_or_the_same(const stdfs::path& image, const std::string& format,
                              const std::string& what) {
  const SourceOptions options{.format = disk_format_named(format), .allow_backing = {}};
  {
    const auto opened = open_source(posix_file_system(), image, options);
    // A damaged size may be anything: it is only read if it is small.
    if (!opened || opened->source->size() > ByteCount(16 << 20)) return;
  }
  const auto got = test::as_weft_reads(image, options);
  if (!got) return;
  EXPECT_TRUE(*got == test::as_qemu_reads(image, format)) << what;
}

TEST_F(Hostile, damaged_image_is_an_error_or_what_qemu_reads) {
  std::mt19937_64 random(20260101);
  for (const std::string format : {"qcow2", "vmdk", "vpc", "vdi", "qed"}) {
    const auto image = make(format);
    const auto whole = test::read_file(image);
    for (int i = 0; i < 12; ++i) {
      auto damaged = whole;
      const std::size_t reach = i % 2 == 0 ? 128 : 1024;  // the header's fields are at the start
      const std::size_t bit = random() % (reach * 8);
      damaged.at(bit / 8) ^= static_cast<std::byte>(1 << bit % 8);
      test::write_file(image, damaged);
      expect_error_or_the_same(image, format, format + " with bit " + std::to_string(bit));
    }
    for (const std::size_t part : {1U, 3U, 7U}) {
      const std::size_t size = whole.size() * part / 8;
      test::write_file(image, std::span(whole).first(size));
      expect_error_or_the_same(image, format, format + " cut to " + std::to_string(size));
    }
    test::write_file(image, std::span(whole).first(100));
    expect_error_or_the_same(image, format, format + " cut in the header");
  }
}

// Whoever can write the image edits it after weft has looked at it and before QEMU does.
TEST_F(Hostile, header_edited_in_between_brings_in_no_other_file) {
  const auto secret = dir_ / "elsewhere" / "secret";
  stdfs::create_directory(secret.parent_path());
  test::write_file(secret, test::random_blocks(BlockCount(64), 99));
  const auto image = dir_ / "image.qcow2";
  test::qemu_img({"create", "-q", "-f", "qcow2", image, "256k"});
  const auto evil = dir_ / "evil";
  test::qemu_img({"create", "-q", "-f", "qcow2", "-o",
                  "data_file_raw=on,data_file=" + (dir_ / "data").string(), evil, "256k"});
  auto bytes = test::read_file(evil);
  const std::string from = (dir_ / "data").string();
  const auto at = std::ranges::search(bytes, std::as_bytes(std::span(from))).begin();
  ASSERT_NE(at, bytes.end());
  // The same length, so that the header stays whole.
  stdfs::create_symlink(secret, dir_ / "dat2");
  const std::string to = (dir_ / "dat2").string();
  std::ranges::copy(std::as_bytes(std::span(to)), at);

  auto top = open_source_file(posix_file_system(), image);
  ASSERT_TRUE(top);
  auto chain = open_chain(posix_file_system(), *std::move(top), DiskFormat::qcow2, {});
  ASSERT_TRUE(chain);
  std::ofstream(image, std::ios::binary | std::ios::in)
      .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  const auto source = NbdSource::open(posix_file_system(), *std::move(chain), {});
  if (!source) return;  // confined: QEMU could not open it
  EXPECT_TRUE((*source)->check_unchanged().error().is(Errc::source_changed));
}

}  // namespace
}  // namespace weft
