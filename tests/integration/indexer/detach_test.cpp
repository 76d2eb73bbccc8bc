// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach.h"

#include "indexer/export/image_source.h"
#include "indexer/export/root_of.h"
#include "indexer/store/store.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/qemu_image.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

// Plain files made of images, on a real disk, with QEMU's own tools as the judge of qcow2.
namespace weft {
namespace {

using test::SampleImage;

std::vector<std::byte> mixed_content(std::size_t tail) {
  auto bytes = test::random_blocks(BlockCount(700), 1);
  bytes.resize(bytes.size() + 3000 * block_size);  // a hole of 12 MB
  const auto more = test::random_blocks(BlockCount(300), 2);
  bytes.insert(bytes.end(), more.begin(), more.end());
  bytes.resize(bytes.size() - tail);
  return bytes;
}

class Detach : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(posix_file_system(), {dir_ / "state", ByteCount(0)});
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    std::filesystem::create_directory(dir_ / "out");
  }
  std::shared_ptr<LocalImage> import(const SampleImage& sample, const std::string& name) {
    auto writer = store_->begin_import({name, sample.info.size, PackKind::own, ""});
    EXPECT_TRUE(writer && (*writer)->put(BlockIndex(0), sample.bytes, sample.digests));
    EXPECT_TRUE((*writer)->publish());
    return store_->image(sample.info.id).value();
  }
  Result<Detached> detach_to(const std::filesystem::path& target, LocalImage& image,
                             DetachFormat format = DetachFormat::raw, bool replace = false,
                             FileSystem& fs = posix_file_system(), std::stop_token stop = {}) {
    ImageSource content(store_->image(image.info().id).value());
    return detach(
        content, image.info(), fs, {target, format, replace},
        [this](ByteCount done, ByteCount total) {
          EXPECT_LE(done, total);
          if (cancel_at_ && done >= *cancel_at_) source_.request_stop();
        },
        std::move(stop));
  }
  [[nodiscard]] std::vector<std::string> left() const {
    return posix_file_system().list(dir_ / "out").value();
  }
  static std::vector<std::byte> bytes_of(const SampleImage& sample) {
    auto bytes = sample.bytes;
    bytes.resize(sample.info.size.value());
    return bytes;
  }

  const test::TempDirectory dir_;
  std::unique_ptr<Store> store_;
  const SampleImage sample_{mixed_content(1000)};
  std::optional<ByteCount> cancel_at_;
  std::stop_source source_;
};

TEST_F(Detach, raw_file_is_the_image_byte_by_byte_and_keeps_its_holes) {
  const auto image = import(sample_, "disk");
  const auto made = detach_to(dir_ / "out/disk.raw", *image);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->root, sample_.info.root);
  EXPECT_GE(made->hashed, ByteCount(999 * block_size));
  EXPECT_LT(made->hashed, ByteCount(1100 * block_size)) << "holes are not read";
  EXPECT_EQ(test::read_file(dir_ / "out/disk.raw"), bytes_of(sample_));
  const auto stat = posix_file_system().open(dir_ / "out/disk.raw", OpenMode::read).value()->stat();
  EXPECT_LT(stat->allocated, ByteCount(1200 * block_size));
  EXPECT_EQ(left(), std::vector<std::string>{"disk.raw"});
}

TEST_F(Detach, image_that_borrows_its_blocks_needs_no_lender_afterwards) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("fb.xea");
  import(base, "base");
  auto image = store_->adopt("next", next.info).value();
  ASSERT_TRUE(next.send_tree(*image));
  ASSERT_TRUE(next.send_blocks(*image, 3, 1));
  ASSERT_GT(image->usage().borrowed, BlockCount(0));
  ASSERT_TRUE(detach_to(dir_ / "out/next.raw", *image));
  store_.reset();
  EXPECT_EQ(test::read_file(dir_ / "out/next.raw"), next.bytes);
}

TEST_F(Detach, qcow2_reads_as_the_image_and_proves_its_root) {
  const SampleImage sample(mixed_content(512));  // QEMU's disks are whole sectors
  const auto image = import(sample, "disk");
  const auto made = detach_to(dir_ / "out/disk.qcow2", *image, DetachFormat::qcow2);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->root, sample.info.root);
  EXPECT_EQ(test::as_qemu_reads(dir_ / "out/disk.qcow2", "qcow2"), bytes_of(sample));
  EXPECT_EQ(left(), std::vector<std::string>{"disk.qcow2"});
}

TEST_F(Detach, file_that_is_there_stays_unless_it_is_to_be_replaced) {
  const auto image = import(sample_, "disk");
  const auto old = test::random_blocks(BlockCount(1), 9);
  test::write_file(dir_ / "out/disk.raw", old);
  const auto refused = detach_to(dir_ / "out/disk.raw", *image);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(std::errc::file_exists));
  EXPECT_EQ(test::read_file(dir_ / "out/disk.raw"), old);
  ASSERT_TRUE(detach_to(dir_ / "out/disk.raw", *image, DetachFormat::raw, true));
  EXPECT_EQ(test::read_file(dir_ / "out/disk.raw"), bytes_of(sample_));
  EXPECT_EQ(left().size(), 1u);
}

TEST_F(Detach, places_that_are_no_files_are_refused_before_anything_is_written) {
  const auto image = import(sample_, "disk");
  std::filesystem::create_directory(dir_ / "out/directory");
  std::filesystem::create_symlink("nowhere", dir_ / "out/link");
  for (const auto& target : {dir_ / "out/directory", dir_ / "out/link",
                             std::filesystem::path("relative.raw"), dir_ / "out/"}) {
    const auto made = detach_to(target, *image, DetachFormat::raw, true);
    ASSERT_FALSE(made) << target;
    EXPECT_TRUE(made.error().is(Errc::bad_request)) << made.error().message();
  }
  const auto nowhere = detach_to(dir_ / "absent/disk.raw", *image);
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().is(std::errc::no_such_file_or_directory));
  EXPECT_EQ(left(), (std::vector<std::string>{"directory", "link"}));
}

TEST_F(Detach, image_with_a_missing_block_leaves_nothing) {
  auto image = store_->adopt("disk", sample_.info).value();
  ASSERT_TRUE(sample_.send_tree(*image));
  ASSERT_TRUE(sample_.send_blocks(*image, 0, 650));
  const auto made = detach_to(dir_ / "out/disk.raw", *image);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(Errc::not_resident));
  EXPECT_TRUE(left().empty());
}

TEST_F(Detach, disk_that_fills_up_leaves_nothing) {
  const auto image = import(sample_, "disk");
  test::FaultyFileSystem disk;
  disk.set_space(ByteCount(500 * block_size));
  const auto made = detach_to(dir_ / "out/disk.raw", *image, DetachFormat::raw, false, disk);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(std::errc::no_space_on_device));
  EXPECT_TRUE(left().empty());
}

TEST_F(Detach, directory_that_cannot_be_synced_gets_no_new_file_and_is_told_of_a_replaced_one) {
  const auto image = import(sample_, "disk");
  const auto target = dir_ / "out/disk.raw";
  test::FaultyFileSystem disk;
  disk.add({.call = test::DiskCall::sync_directory});
  EXPECT_FALSE(detach_to(target, *image, DetachFormat::raw, false, disk));
  EXPECT_TRUE(left().empty());
  test::write_file(target, std::vector<std::byte>(5));
  disk.add({.call = test::DiskCall::sync_directory});
  const auto replaced = detach_to(target, *image, DetachFormat::raw, true, disk);
  ASSERT_FALSE(replaced);
  EXPECT_TRUE(replaced.error().message().contains("in place")) << replaced.error().message();
  EXPECT_EQ(test::read_file(target), bytes_of(sample_));
}

TEST_F(Detach, sync_that_fails_leaves_nothing_and_what_was_there) {
  const auto image = import(sample_, "disk");
  const auto old = test::random_blocks(BlockCount(1), 9);
  test::write_file(dir_ / "out/disk.raw", old);
  test::FaultyFileSystem disk;
  disk.add({.call = test::DiskCall::sync});
  EXPECT_FALSE(detach_to(dir_ / "out/disk.raw", *image, DetachFormat::raw, true, disk));
  EXPECT_EQ(test::read_file(dir_ / "out/disk.raw"), old);
  EXPECT_EQ(left().size(), 1u);
}

TEST_F(Detach, cancelled_at_any_step_it_leaves_nothing) {
  const auto image = import(sample_, "disk");
  const ByteCount size = sample_.info.size;
  for (const std::uint64_t part : {0u, 1u, 3u}) {  // quarters of writing and reading back
    source_ = std::stop_source();
    cancel_at_ = ByteCount(size.value() / 2 * part + 1);
    const auto made = detach_to(dir_ / "out/disk.raw", *image, DetachFormat::raw, false,
                                posix_file_system(), source_.get_token());
    ASSERT_FALSE(made) << part;
    EXPECT_TRUE(made.error().is(Errc::cancelled)) << made.error().message();
    EXPECT_TRUE(left().empty());
  }
}

/// A disk that gives back other bytes than were written: content that is not what it says it is.
TEST_F(Detach, file_that_fails_its_proof_is_removed_and_replaces_nothing) {
  const auto image = import(sample_, "disk");
  const auto old = test::random_blocks(BlockCount(1), 9);
  test::write_file(dir_ / "out/disk.raw", old);
  ImageInfo other = image->info();
  other.root = Digest{};
  ImageSource content(image);
  const auto made = detach(content, other, posix_file_system(),
                           {dir_ / "out/disk.raw", DetachFormat::raw, true}, {}, {});
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(Errc::digest_mismatch));
  EXPECT_EQ(test::read_file(dir_ / "out/disk.raw"), old);
  EXPECT_EQ(left().size(), 1u);
}

TEST_F(Detach, qemu_img_that_is_not_there_is_named) {
  const auto image = import(sample_, "disk");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto made = detach_to(dir_ / "out/disk.qcow2", *image, DetachFormat::qcow2);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().is(Errc::unsupported));
  EXPECT_TRUE(made.error().detail.contains("qemu-utils")) << made.error().detail;
  EXPECT_TRUE(left().empty());
}

TEST_F(Detach, root_of_any_content_is_the_images) {
  int number = 0;
  for (const char* picture : {".", "a", "ab..0a", "....", "a.......................b"}) {
    const auto sample = SampleImage::picture(picture);
    ImageSource content(import(sample, "disk" + std::to_string(++number)));
    const auto found = root_of(content, {}, {});
    ASSERT_TRUE(found) << picture;
    EXPECT_EQ(found->root, sample.info.root) << picture;
  }
}

}  // namespace
}  // namespace weft
