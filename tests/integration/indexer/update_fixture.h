// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/updater.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace weft::test {

/// A real store, and a raw file that is imported and indexed again. Files are drawn as in
/// raw_image.h.
class UpdateFixture : public testing::Test {
 protected:
  UpdateFixture() {
    // As on a file system that cannot share extents: there blocks are borrowed.
    disk_.add({.call = DiskCall::clone, .and_after = true, .error = 0});
    reopen();
  }
  /// In memory where that can be: the many syncs wait for no disk then.
  static void SetUpTestSuite() {
    if (std::filesystem::exists("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
  }

  [[nodiscard]] std::filesystem::path source() const { return dir_ / "disk.raw"; }

  void reopen() {
    store_.reset();
    auto opened =
        Store::open(disk_, {.directory = dir_ / "state", .free_space_floor = ByteCount(0)});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  void draw(std::string_view picture, ByteCount size = ByteCount(0)) {
    write_raw(source(), picture, size);
  }
  Result<Imported> import(ImportMode mode = ImportMode::copy, const std::string& name = "disk") {
    return import_file(*store_, disk_, pool_, {.name = name, .path = source(), .mode = mode}, {},
                       {});
  }
  Result<ImportUpdate> update(ImportMode mode = ImportMode::automatic,
                              const std::string& name = "disk") {
    return import_update(*store_, disk_, pool_, {.name = name, .path = source(), .mode = mode}, {},
                         {});
  }
  /// An update that must succeed.
  ImportUpdate updated(ImportMode mode = ImportMode::automatic) {
    auto outcome = update(mode);
    EXPECT_TRUE(outcome) << outcome.error().message();
    return outcome ? *outcome : ImportUpdate{};
  }
  [[nodiscard]] std::shared_ptr<LocalImage> image(const std::string& ref) {
    const auto entry = store_->find(ref);
    EXPECT_TRUE(entry) << entry.error().message();
    if (!entry) return nullptr;
    auto found = store_->image(entry->info.id);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : nullptr;
  }
  static void expect_content(LocalImage& image, std::span<const std::byte> content) {
    ASSERT_EQ(image.info().size, ByteCount(content.size()));
    std::vector<std::byte> got(content.size());
    const auto read = image.read(ByteOffset(0), got);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(std::ranges::equal(got, content));
  }
  /// The image under the name is whole, has the file's bytes, and the id of a first import.
  void expect_is_file(const std::string& name = "disk") {
    const auto found = image(name);
    ASSERT_TRUE(found);
    expect_content(*found, read_file(source()));
    EXPECT_TRUE(found->usage().complete);
    EXPECT_EQ(found->info().id, fresh_id());
  }
  /// The id that a first import of the file gives.
  [[nodiscard]] ImageId fresh_id() {
    const TempDirectory dir;
    const auto store = Store::open(posix_file_system(), {.directory = dir / "state"}).value();
    return import_file(*store, posix_file_system(), pool_, {.name = "fresh", .path = source()}, {},
                       {})
        .value()
        .info.id;
  }
  [[nodiscard]] bool is_here(const ImageId& id) { return store_->find(to_hex(id)).has_value(); }
  void collect() {
    const auto done = store_->collect_unnamed([](const ImageId&) { return false; });
    EXPECT_TRUE(done) << done.error().message();
  }
  [[nodiscard]] std::uint64_t debris() {
    return disk_.list(dir_ / "state" / "incoming").value().size();
  }

  TempDirectory dir_;
  FaultyFileSystem disk_;
  WorkerPool pool_{{.threads = 2}};
  std::unique_ptr<Store> store_;
};

}  // namespace weft::test
