// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/import/importer.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/unit/indexer/import/fake_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace weft::test {

/// Imports into a store in memory, from a disk that can fail.
class ImportFixture : public testing::Test {
 protected:
  using OnProgress = std::function<void(const ImportProgress&)>;

  Result<Imported> import(const std::filesystem::path& path,
                          ImportMode mode = ImportMode::automatic, OnProgress progress = {}) {
    return import_file(store_, disk_, pool_, {.name = "image", .path = path, .mode = mode},
                       std::move(progress), stop_.get_token());
  }
  /// The error of an import that must fail and leave nothing.
  Error refused(const std::filesystem::path& path, ImportMode mode = ImportMode::automatic,
                OnProgress progress = {}) {
    const auto outcome = import(path, mode, std::move(progress));
    EXPECT_FALSE(outcome);
    EXPECT_TRUE(store_.images.empty());
    EXPECT_EQ(store_.open_writers, 0);
    return outcome ? Error{} : outcome.error();
  }
  /// What the store has of the image, as bytes.
  std::vector<std::byte> stored() const {
    const PutBlocks& image = store_.images.at("image");
    std::vector<std::byte> bytes(bytes_of(blocks_for(image.target.size)).value());
    for (const auto& [block, content] : image.content)
      std::ranges::copy(content, bytes.begin() + static_cast<std::ptrdiff_t>(block * block_size));
    bytes.resize(image.target.size.value());
    return bytes;
  }

  TempDirectory dir_;
  FaultyFileSystem disk_;
  FakeStore store_;
  WorkerPool pool_{{.threads = 3}};
  std::stop_source stop_;
};

}  // namespace weft::test
