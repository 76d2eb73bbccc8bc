// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/move_out.h"

#include "indexer/store/store.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

// Packs that become plain files, on a real disk.
namespace weft {
namespace {

using test::SampleImage;

class MoveOut : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    std::filesystem::create_directory(dir_ / "out");
  }
  void open() {
    store_.reset();
    auto opened = Store::open(disk_, {dir_ / "state", ByteCount(0)});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  std::shared_ptr<LocalImage> import(const SampleImage& sample, const std::string& name) {
    auto writer = store_->begin_import({name, sample.info.size, PackKind::own, ""});
    EXPECT_TRUE(writer && (*writer)->put(BlockIndex(0), sample.bytes, sample.digests));
    EXPECT_TRUE((*writer)->publish());
    return store_->image(sample.info.id).value();
  }
  Result<Detached> move(std::shared_ptr<LocalImage> image, DetachFormat format = DetachFormat::raw,
                        bool replace = false, std::stop_token stop = {}) {
    return move_out(*store_, std::move(image), posix_file_system(), {target(), format, replace}, {},
                    stop);
  }
  /// The image is as it was, and nothing was made.
  void expect_untouched(const SampleImage& sample) {
    EXPECT_FALSE(std::filesystem::exists(target()));
    const auto image = store_->image(sample.info.id);
    ASSERT_TRUE(image);
    std::vector<std::byte> bytes(sample.bytes.size());
    ASSERT_TRUE((*image)->read(ByteOffset(0), bytes));
    EXPECT_EQ(bytes, sample.bytes);
  }
  [[nodiscard]] std::filesystem::path target() const { return dir_ / "out/disk.raw"; }
  std::uint64_t inode_of(const std::filesystem::path& path) {
    return posix_file_system().open(path, OpenMode::read).value()->stat()->inode;
  }

  const test::TempDirectory dir_;
  test::FaultyFileSystem disk_;  // of the store
  std::unique_ptr<Store> store_;
  const SampleImage sample_ = SampleImage::picture("ab..cdef");
};

TEST_F(MoveOut, image_becomes_a_file_without_a_copy_and_is_gone_from_the_store) {
  auto image = import(sample_, "disk");
  const auto pack = inode_of(dir_ / "state/images" / to_hex(sample_.info.id) / "pack");
  const auto made = move(std::move(image));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->root, sample_.info.root);
  EXPECT_TRUE(made->moved);
  EXPECT_EQ(inode_of(target()), pack);
  EXPECT_EQ(test::read_file(target()), sample_.bytes);
  EXPECT_TRUE(store_->find("disk").error().is(Errc::unknown_image));
  open();
  EXPECT_TRUE(store_->list()->empty());
  EXPECT_EQ(test::read_file(target()), sample_.bytes) << "nobody writes to it any more";
}

TEST_F(MoveOut, what_was_borrowed_is_in_the_file) {
  const auto next = SampleImage::picture("fb.xea");
  import(sample_, "base");
  auto image = store_->adopt("next", next.info).value();
  ASSERT_TRUE(next.send_tree(*image));
  ASSERT_TRUE(next.send_blocks(*image, 3, 1));
  ASSERT_GT(image->usage().borrowed, BlockCount(0));
  const auto made = move(std::move(image));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(test::read_file(target()), next.bytes);
  EXPECT_TRUE(store_->find("base"));
}

TEST_F(MoveOut, whatever_fails_in_the_store_the_content_is_in_one_place_or_the_other) {
  // It borrowed from an image that was removed, so that lenders are looked after, too.
  const auto next = SampleImage::picture("fb.xea");
  const auto other = SampleImage::picture("fb.cde");
  for (std::uint64_t nth = 1;; ++nth) {
    std::filesystem::remove(target());
    import(sample_, "base");
    auto image = store_->adopt("next", next.info).value();
    ASSERT_TRUE(next.send_tree(*image));
    ASSERT_TRUE(next.send_blocks(*image, 3, 1));
    {
      const auto borrower = store_->adopt("other", other.info).value();
      ASSERT_TRUE(other.send_tree(*borrower));
    }
    ASSERT_TRUE(store_->remove("base"));
    disk_.add({.call = test::DiskCall::any_change, .nth = nth, .and_after = true});
    const auto calls = disk_.calls(test::DiskCall::any_change);
    const auto made = move(std::move(image));
    const bool failed_once = disk_.calls(test::DiskCall::any_change) >= calls + nth;
    disk_.clear_faults();
    open();
    if (const auto left = store_->find("next"); made || !left) {
      EXPECT_EQ(test::read_file(target()), next.bytes) << nth;
    } else {
      EXPECT_EQ(store_->image(next.info.id).value()->usage().missing, BlockCount(0)) << nth;
    }
    for (const char* name : {"next", "other"})
      static_cast<void>(store_->remove(name));
    if (!failed_once) break;
  }
}

TEST_F(MoveOut, image_that_others_need_is_refused_and_stays) {
  const auto next = SampleImage::picture("fb.ea");
  auto image = import(sample_, "disk");
  {
    const auto borrower = store_->adopt("next", next.info).value();
    ASSERT_TRUE(next.send_tree(*borrower));
    const auto lent = move(image);
    ASSERT_FALSE(lent);
    EXPECT_TRUE(lent.error().is(Errc::image_in_use)) << "this test holds it, too";
    expect_untouched(sample_);
  }
  const auto lent = move(std::move(image));
  ASSERT_FALSE(lent);
  EXPECT_TRUE(lent.error().is(Errc::image_in_use));
  EXPECT_NE(lent.error().message().find("other images"), std::string::npos);
  expect_untouched(sample_);
  ASSERT_TRUE(store_->remove("next"));
  EXPECT_TRUE(move(store_->image(sample_.info.id).value()));
}

TEST_F(MoveOut, what_cannot_be_moved_is_refused_and_stays) {
  import(sample_, "disk");
  const auto refused = [&](const Result<Detached>& made, std::error_code code) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code) << made.error().message();
    expect_untouched(sample_);
  };
  const auto held = [&] { return store_->image(sample_.info.id).value(); };
  refused(move(held(), DetachFormat::qcow2), make_error_code(Errc::bad_request));
  refused(move(held(), DetachFormat::raw, true), make_error_code(Errc::bad_request));
  std::stop_source stop;
  stop.request_stop();
  refused(move(held(), DetachFormat::raw, false, stop.get_token()),
          make_error_code(Errc::cancelled));
  test::write_file(target(), std::vector<std::byte>(5));
  const auto taken = move(held());
  ASSERT_FALSE(taken);
  EXPECT_EQ(to_errno(taken.error()), EEXIST);
  EXPECT_EQ(test::read_file(target()).size(), 5u);

  const SampleImage odd(std::vector<std::byte>(5000, std::byte{1}));
  std::filesystem::remove(target());
  const auto padded = move(import(odd, "odd"));
  ASSERT_FALSE(padded);
  EXPECT_TRUE(padded.error().is(Errc::unsupported));
  EXPECT_FALSE(std::filesystem::exists(target()));
}

TEST_F(MoveOut, image_with_damage_on_the_disk_is_not_passed_off_as_whole) {
  import(sample_, "disk");
  open();
  const auto pack = dir_ / "state/images" / to_hex(sample_.info.id) / "pack";
  const std::vector<std::byte> wrong(block_size, std::byte{0x55});
  ASSERT_TRUE(posix_file_system()
                  .open(pack, OpenMode::read_write)
                  .value()
                  ->write_at(ByteOffset(4 * block_size), wrong));
  const auto made = move(store_->image(sample_.info.id).value());
  ASSERT_FALSE(made);
  EXPECT_FALSE(std::filesystem::exists(target()));
  EXPECT_TRUE(store_->find("disk"));
}

}  // namespace
}  // namespace weft
