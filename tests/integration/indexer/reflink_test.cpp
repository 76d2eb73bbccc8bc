// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach.h"
#include "indexer/export/image_source.h"
#include "indexer/import/importer.h"
#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <vector>

#include <unistd.h>

// Imports by reflink, on a real XFS made in a file.
namespace weft {
namespace {

using namespace std::chrono_literals;

class ReflinkImport : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount XFS";
    const std::string volume = dir_ / "volume";
    ASSERT_TRUE(testing::run({"truncate", "-s", "512M", volume}, 10s).status.ok());
    const auto made = testing::run({"mkfs.xfs", "-q", "-m", "reflink=1", volume}, 30s);
    ASSERT_TRUE(made.status.ok()) << made.err;
    std::filesystem::create_directory(mount_point());
    const auto mounted = testing::run({"mount", "-o", "loop", volume, mount_point()}, 30s);
    ASSERT_TRUE(mounted.status.ok()) << mounted.err;
    mounted_ = true;
    content_ = test::random_blocks(blocks, 7);
    content_.resize(content_.size() - 1000);
    test::write_file(source(), content_);
    ASSERT_TRUE(testing::run({"sync", "-f", mount_point()}, 30s).status.ok());
    auto opened = Store::open(posix_file_system(), {.directory = mount_point() / "state",
                                                    .free_space_floor = ByteCount(0)});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  void TearDown() override {
    store_.reset();
    if (mounted_) {
      EXPECT_TRUE(testing::run({"umount", mount_point()}, 30s).status.ok());
    }
  }

  [[nodiscard]] std::filesystem::path mount_point() const { return dir_ / "xfs"; }
  [[nodiscard]] std::filesystem::path source() const { return mount_point() / "disk.raw"; }
  ByteCount free_space() { return posix_file_system().free_space(mount_point()).value(); }
  Result<Imported> import(ImportMode mode) {
    return import_file(*store_, posix_file_system(), pool_,
                       {.name = "disk", .path = source(), .mode = mode}, {}, {});
  }
  std::vector<std::byte> read_back(const ImageInfo& info) {
    const auto image = store_->image(info.id).value();
    std::vector<std::byte> got(info.size.value());
    const auto read = image->read(ByteOffset(0), got);
    EXPECT_TRUE(read) << read.error().message();
    return got;
  }

  static constexpr BlockCount blocks{16384};  // 64 MiB
  test::TempDirectory dir_;
  bool mounted_ = false;
  std::vector<std::byte> content_;
  WorkerPool pool_{{.threads = 2}};
  std::unique_ptr<Store> store_;
};

TEST_F(ReflinkImport, automatic_mode_shares_the_extents_of_the_source) {
  const ByteCount before = free_space();
  const auto imported = import(ImportMode::automatic);
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported->kind, PackKind::reflink);
  // A copy would take 64 MiB; tree, sums, index and catalog take a fraction.
  EXPECT_LT(before - free_space(), ByteCount(24u << 20));
  EXPECT_TRUE(std::ranges::equal(read_back(imported->info), content_));
}

TEST_F(ReflinkImport, later_writes_to_the_source_do_not_reach_the_image) {
  const auto imported = import(ImportMode::reflink);
  ASSERT_TRUE(imported) << imported.error().message();
  test::write_file(source(), test::random_blocks(blocks, 8));
  EXPECT_TRUE(std::ranges::equal(read_back(imported->info), content_));
}

TEST_F(ReflinkImport, detached_file_shares_the_extents_of_the_pack_and_is_proved_all_the_same) {
  const auto imported = import(ImportMode::copy);
  ASSERT_TRUE(imported) << imported.error().message();
  ImageSource content(store_->image(imported->info.id).value());
  const ByteCount before = free_space();
  const auto target = mount_point() / "detached.raw";
  const auto made =
      detach(content, imported->info, posix_file_system(), {.target = target}, {}, {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(made->shared);
  EXPECT_EQ(made->root, imported->info.root);
  EXPECT_GE(made->hashed, ByteCount(content_.size()));
  EXPECT_LT(before - std::min(before, free_space()), ByteCount(8u << 20));
  EXPECT_EQ(test::read_file(target), content_) << "its size too: the pack is longer";
}

}  // namespace
}  // namespace weft
