// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"
#include "tests/unit/indexer/import/import_fixture.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace weft {
namespace {

class ImporterRefusals : public test::ImportFixture {
 protected:
  void expect_says(const Error& error, std::string_view text) {
    EXPECT_NE(error.message().find(text), std::string::npos) << error.message();
  }
};

TEST_F(ImporterRefusals, bad_names_before_the_file_is_opened) {
  for (const char* name : {"", ".hidden", "-x", "a/b", "a b", "\xc3\xa4"}) {
    const auto outcome =
        import_file(store_, disk_, pool_, {.name = name, .path = dir_ / "nowhere"}, {}, {});
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is(Errc::bad_name)) << name;
  }
}

TEST_F(ImporterRefusals, taken_name_before_the_file_is_opened) {
  test::write_raw(dir_ / "raw", "abc");
  ASSERT_TRUE(import(dir_ / "raw"));
  const std::uint64_t calls = disk_.calls();
  const auto again = import(dir_ / "raw");
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(Errc::name_taken));
  expect_says(again.error(), "weft rm image");
  EXPECT_EQ(disk_.calls(), calls);
}

TEST_F(ImporterRefusals, file_that_is_not_there) {
  const Error error = refused(dir_ / "nowhere");
  EXPECT_TRUE(error.is(std::errc::no_such_file_or_directory));
  expect_says(error, "nowhere");
}

TEST_F(ImporterRefusals, file_that_may_not_be_read) {
  test::write_raw(dir_ / "raw", "a");
  disk_.add({.call = test::DiskCall::open, .error = EACCES});
  EXPECT_TRUE(refused(dir_ / "raw").is(std::errc::permission_denied));
}

TEST_F(ImporterRefusals, directory) {
  const Error error = refused(dir_.path());
  EXPECT_TRUE(error.is(Errc::not_an_image));
  expect_says(error, "it is a directory");
}

TEST_F(ImporterRefusals, pipe_without_waiting_for_its_writer) {
  ASSERT_EQ(::mkfifo((dir_ / "pipe").c_str(), 0600), 0);
  const Error error = refused(dir_ / "pipe");
  EXPECT_TRUE(error.is(Errc::not_an_image));
  expect_says(error, "device, pipe or socket");
}

TEST_F(ImporterRefusals, device) {
  EXPECT_TRUE(refused("/dev/zero").is(Errc::not_an_image));
}

TEST_F(ImporterRefusals, socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir_ / "socket").c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(refused(dir_ / "socket").is(Errc::not_an_image));
  ::close(fd);
}

TEST_F(ImporterRefusals, empty_file) {
  test::write_raw(dir_ / "raw", "");
  EXPECT_TRUE(refused(dir_ / "raw").is(Errc::empty_image));
}

TEST_F(ImporterRefusals, file_larger_than_any_image) {
  const test::TempDirectory memory("/dev/shm");  // tmpfs takes files of any size
  std::ofstream(memory / "raw").put('a');
  std::filesystem::resize_file(memory / "raw", max_image_size.value() + 1);
  const Error error = refused(memory / "raw");
  EXPECT_TRUE(error.is(Errc::image_too_large));
  expect_says(error, "64 TiB");
}

TEST_F(ImporterRefusals, image_with_a_damaged_header_by_name_and_reason) {
  auto bytes = test::raw_bytes("ab");
  std::memcpy(bytes.data(), "QFI\xfb\0\0\0\3", 8);
  test::write_file(dir_ / "disk.qcow2", bytes);
  const Error error = refused(dir_ / "disk.qcow2");
  EXPECT_TRUE(error.is(Errc::bad_image));
  expect_says(error, (dir_ / "disk.qcow2").string());
  expect_says(error, "cluster size is damaged");
}

TEST_F(ImporterRefusals, compressed_files_with_the_command_that_unpacks) {
  auto bytes = test::raw_bytes("a");
  std::memcpy(bytes.data(),
              "\xfd"
              "7zXZ",
              6);
  test::write_file(dir_ / "disk.raw.xz", bytes);
  const Error error = refused(dir_ / "disk.raw.xz");
  EXPECT_TRUE(error.is(Errc::not_an_image));
  expect_says(error, "xz -d");
}

TEST_F(ImporterRefusals, reflink_where_the_file_system_cannot) {
  test::write_raw(dir_ / "raw", "abc");
  EXPECT_TRUE(refused(dir_ / "raw", ImportMode::reflink).is(Errc::unsupported));
}

}  // namespace
}  // namespace weft
