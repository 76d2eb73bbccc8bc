// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/importer.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weft::test {

/// A real store on a disk that can fail, and a raw file to import into it.
class FileInStore : public testing::Test {
 protected:
  FileInStore() { reopen(); }

  [[nodiscard]] std::filesystem::path source() const { return dir_ / "disk.raw"; }

  void reopen() {
    store_.reset();
    auto opened =
        Store::open(disk_, {.directory = dir_ / "state", .free_space_floor = ByteCount(0)});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  Result<Imported> import(ImportMode mode = ImportMode::copy, const std::string& name = "disk") {
    return import_file(*store_, disk_, pool_, {.name = name, .path = source(), .mode = mode}, {},
                       {});
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

  TempDirectory dir_;
  FaultyFileSystem disk_;
  WorkerPool pool_{{.threads = 2}};
  std::unique_ptr<Store> store_;
};

}  // namespace weft::test
