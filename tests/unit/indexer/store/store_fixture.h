// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/store/store.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::test {

/// A store in a directory of its own, that can be closed and opened again.
class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  virtual FileSystem& file_system() { return posix_file_system(); }

  void reopen() {
    store_.reset();
    auto opened = Store::open(file_system(), {dir_ / "state", ByteCount(0)});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  std::shared_ptr<LocalImage> adopt(const SampleImage& sample, std::string_view name = "disk") {
    auto image = store_->adopt(name, sample.info);
    EXPECT_TRUE(image) << image.error().message();
    return image.value_or(nullptr);
  }
  std::shared_ptr<LocalImage> image(const SampleImage& sample) {
    auto image = store_->image(sample.info.id);
    EXPECT_TRUE(image) << image.error().message();
    return image.value_or(nullptr);
  }
  /// Puts a sample into the store as `weft import` would.
  Result<ImageInfo> import(const SampleImage& sample, std::string_view name,
                           PackKind kind = PackKind::own,
                           const std::filesystem::path& source = "") {
    WEFT_TRY(auto writer,
             store_->begin_import({std::string(name), sample.info.size, kind, source}));
    WEFT_CHECK(writer->put(BlockIndex(0), sample.bytes, sample.digests));
    return writer->publish();
  }
  static std::vector<std::byte> read(LocalImage& image, std::uint64_t offset, std::size_t size) {
    std::vector<std::byte> out(size, std::byte{0xee});
    const auto done = image.read(ByteOffset(offset), out);
    EXPECT_TRUE(done) << done.error().message();
    return out;
  }
  static bool reads_as(LocalImage& image, const SampleImage& sample) {
    return read(image, 0, sample.bytes.size()) == sample.bytes;
  }
  /// '#' for a readable block, '.' for a missing one.
  static std::string residency(LocalImage& image) {
    std::string out;
    for (BlockIndex b(0); b.value() < image.shape().blocks().value(); ++b) {
      out += image.readable({b, BlockCount(1)}) ? '#' : '.';
    }
    return out;
  }

  TempDirectory dir_;
  std::unique_ptr<Store> store_;
};

}  // namespace weft::test
