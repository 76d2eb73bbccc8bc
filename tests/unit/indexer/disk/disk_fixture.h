// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/hash.h"
#include "indexer/disk/writable_disk.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/unit/indexer/store/store_fixture.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weft::test {

/// A disk over an imported image of `blocks` blocks, of which the last one is cut short, on a file
/// system that fails as told.
class DiskFixture : public StoreFixture {
 protected:
  static constexpr std::uint64_t blocks = 300;  // more than a region
  static constexpr std::uint64_t size = blocks * block_size - 1000;

  void SetUp() override {
    StoreFixture::SetUp();
    ASSERT_TRUE(import(sample_, "base"));
    base_ = image(sample_);
    make("disk");
  }

  /// A new disk in a directory of this name, opened.
  void make(const std::string& name) {
    paths_ = DiskPaths(dir_ / name);
    ASSERT_TRUE(faulty_.make_directory(paths_.directory));
    ASSERT_TRUE(
        WritableDisk::make_files(faulty_, paths_, {serial(7), base_->info().id, ByteCount(size)}));
    ASSERT_TRUE(faulty_.sync_directory(paths_.directory));
    ASSERT_TRUE(faulty_.sync_directory(dir_.path()));
    open();
  }
  static DiskSerial serial(unsigned char fill) {
    DiskSerial serial;
    serial.fill(std::byte{fill});
    return serial;
  }
  Result<void> try_open() {
    disk_.reset();
    WEFT_TRY(disk_, WritableDisk::open(faulty_, paths_, "disk", base_, boot()));
    return {};
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message();
  }
  /// The machine starts again.
  void cut(Survival survival, std::uint64_t seed = 0) {
    disk_.reset();
    faulty_.power_cut(survival, seed);
    ++boots_;
  }
  [[nodiscard]] Digest boot() const { return sha256(std::as_bytes(std::span(&boots_, 1))); }
  std::vector<std::byte> content() {
    std::vector<std::byte> out(size, std::byte{0xee});
    const auto done = disk_->read(ByteOffset(0), out);
    EXPECT_TRUE(done) << done.error().message();
    return out;
  }

  static std::vector<std::byte> sample_bytes() {
    std::vector<std::byte> bytes(size);
    for (std::uint64_t i = 0; i < size; ++i) {
      // Every seventh block is zero.
      if (i / block_size % 7 != 3)
        bytes[i] = static_cast<std::byte>(1 + (i / block_size + i) % 251);
    }
    return bytes;
  }

  const SampleImage sample_{sample_bytes()};
  FaultyFileSystem faulty_;
  std::shared_ptr<LocalImage> base_;
  DiskPaths paths_{""};
  std::uint64_t boots_ = 1;
  std::shared_ptr<WritableDisk> disk_;
};

}  // namespace weft::test
