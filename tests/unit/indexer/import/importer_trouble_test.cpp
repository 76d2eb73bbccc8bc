// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"
#include "tests/unit/indexer/import/import_fixture.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

namespace weft {
namespace {

class ImporterTrouble : public test::ImportFixture {
 protected:
  ImporterTrouble() { test::write_file(dir_ / "raw", bytes_); }

  // Does `what` once, when the import is on its way.
  static OnProgress midway(std::function<void()> what) {
    return [what = std::move(what), reports = 0](const ImportProgress&) mutable {
      if (++reports == 4) what();
    };
  }
  void expect_next_import_works() {
    ASSERT_TRUE(import(dir_ / "raw"));
    EXPECT_EQ(stored(), test::read_file(dir_ / "raw"));
  }

  const std::vector<std::byte> bytes_ = test::random_blocks(BlockCount(128 * 60), 3);
};

TEST_F(ImporterTrouble, source_written_to_meanwhile_is_not_an_image) {
  const Error error = refused(dir_ / "raw", ImportMode::copy, midway([&] {
                                const auto file =
                                    posix_file_system().open(dir_ / "raw", OpenMode::read_write);
                                EXPECT_TRUE((*file)->write_at(ByteOffset(5), test::block_of('x')));
                              }));
  EXPECT_TRUE(error.is(Errc::source_changed)) << error.message();
  expect_next_import_works();
}

TEST_F(ImporterTrouble, source_that_becomes_shorter_is_not_an_image) {
  const Error error =
      refused(dir_ / "raw", ImportMode::copy,
              midway([&] { std::filesystem::resize_file(dir_ / "raw", 10 * block_size); }));
  EXPECT_TRUE(error.is(Errc::source_changed)) << error.message();
}

TEST_F(ImporterTrouble, source_that_grows_is_not_an_image) {
  const Error error =
      refused(dir_ / "raw", ImportMode::copy,
              midway([&] { std::filesystem::resize_file(dir_ / "raw", bytes_.size() + 1); }));
  EXPECT_TRUE(error.is(Errc::source_changed)) << error.message();
}

TEST_F(ImporterTrouble, another_file_in_the_sources_place_is_noticed) {
  test::write_file(dir_ / "other", bytes_);
  const Error error =
      refused(dir_ / "raw", ImportMode::in_place,
              midway([&] { std::filesystem::rename(dir_ / "other", dir_ / "raw"); }));
  EXPECT_TRUE(error.is(Errc::source_changed)) << error.message();
}

TEST_F(ImporterTrouble, stop_ends_it_and_leaves_nothing) {
  const Error error =
      refused(dir_ / "raw", ImportMode::copy, midway([&] { stop_.request_stop(); }));
  EXPECT_TRUE(error.is(Errc::cancelled));
  EXPECT_EQ(pool_.queued(), 0u);
  stop_ = std::stop_source();
  expect_next_import_works();
}

TEST_F(ImporterTrouble, full_disk_ends_it_and_leaves_nothing) {
  store_.put_error =
      Error{std::make_error_code(std::errc::no_space_on_device), Operation::write, "pack"};
  EXPECT_TRUE(refused(dir_ / "raw").is(std::errc::no_space_on_device));
  EXPECT_EQ(pool_.queued(), 0u);
  store_.put_error.reset();
  expect_next_import_works();
}

TEST_F(ImporterTrouble, unreadable_piece_ends_it_and_leaves_nothing) {
  disk_.add({.call = test::DiskCall::read, .path_contains = "raw", .nth = 20});
  EXPECT_TRUE(refused(dir_ / "raw").is(std::errc::io_error));
  disk_.clear_faults();
  expect_next_import_works();
}

TEST_F(ImporterTrouble, any_single_failing_call_on_the_source_ends_it_cleanly) {
  ASSERT_TRUE(import(dir_ / "raw"));
  const std::uint64_t calls = disk_.calls();
  store_.images.clear();
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    disk_.add({.call = test::DiskCall::any, .nth = nth});
    EXPECT_TRUE(refused(dir_ / "raw").is(std::errc::io_error)) << "call " << nth;
    disk_.clear_faults();
  }
  expect_next_import_works();
}

TEST_F(ImporterTrouble, stopped_pool_ends_it) {
  pool_.stop();
  EXPECT_TRUE(refused(dir_ / "raw").is(Errc::cancelled));
}

}  // namespace
}  // namespace weft
