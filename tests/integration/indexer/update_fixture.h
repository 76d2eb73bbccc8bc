// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/updater.h"
#include "tests/integration/indexer/file_in_store.h"
#include "tests/support/indexer/raw_image.h"

#include <string>
#include <string_view>

namespace weft::test {

/// A file that is imported and indexed again, drawn as in raw_image.h.
class UpdateFixture : public FileInStore {
 protected:
  UpdateFixture() {
    // As on a file system that cannot share extents: there blocks are borrowed.
    disk_.add({.call = DiskCall::clone, .and_after = true, .error = 0});
  }
  /// In memory where that can be: the many syncs wait for no disk then.
  static void SetUpTestSuite() { TempDirectory::in_memory(); }

  void draw(std::string_view picture, ByteCount size = ByteCount(0)) {
    write_raw(source(), picture, size);
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
};

}  // namespace weft::test
