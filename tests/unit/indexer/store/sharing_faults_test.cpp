// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <fstream>

// Local images that are edited, deleted, removed or damaged under an image that borrows from them:
// never a wrong byte; what cannot be had is missing, and what is fetched instead is kept.
namespace weft {
namespace {

using test::SampleImage;

class SharingFaults : public test::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    test::write_file(raw_, base_.bytes);
  }
  std::filesystem::path file_of(const SampleImage& sample, const char* name) {
    return dir_ / "state" / "images" / to_hex(sample.info.id) / name;
  }
  std::shared_ptr<LocalImage> borrower(PackKind kind) {
    EXPECT_TRUE(import(base_, "base", kind, raw_));
    auto local = adopt(next_, "next");
    EXPECT_TRUE(next_.send_tree(*local));
    EXPECT_EQ(local->usage().borrowed, next_.blocks());
    return local;
  }
  /// Reads every block: right, or missing and then fetched.
  void expect_served(LocalImage& local, std::uint64_t lost) {
    std::uint64_t missing = 0;
    for (std::uint64_t b = 0; b < next_.blocks().value(); ++b) {
      std::vector<std::byte> out(block_size);
      auto read = local.read(ByteOffset(b * block_size), out);
      if (!read) {
        EXPECT_TRUE(read.error().is(Errc::not_resident)) << read.error().message();
        EXPECT_FALSE(local.readable({BlockIndex(b), BlockCount(1)}));
        ++missing;
        ASSERT_TRUE(next_.send_blocks(local, b, 1));
        ASSERT_TRUE(local.read(ByteOffset(b * block_size), out));
      }
      EXPECT_TRUE(std::ranges::equal(out, next_.block(b))) << b;
    }
    EXPECT_EQ(missing, lost);
    EXPECT_TRUE(local.usage().complete);
  }

  const SampleImage base_{test::random_blocks(BlockCount(200), 1)};
  const SampleImage next_{
      std::vector(base_.bytes.begin() + 10 * block_size, base_.bytes.begin() + 90 * block_size)};
  const std::filesystem::path raw_ = dir_ / "base.raw";
};

TEST_F(SharingFaults, source_in_place_is_edited) {
  const auto local = borrower(PackKind::in_place);
  ASSERT_TRUE(reads_as(*local, next_)) << "also what was read before it was edited";
  auto file = posix_file_system().open(raw_, OpenMode::read_write).value();
  ASSERT_TRUE(file->write_at(offset_of(BlockIndex(20)), next_.block(60, 5)));
  expect_served(*local, 5);
}

TEST_F(SharingFaults, source_in_place_is_edited_and_a_new_image_looks_there) {
  ASSERT_TRUE(import(base_, "base", PackKind::in_place, raw_));
  auto file = posix_file_system().open(raw_, OpenMode::read_write).value();
  ASSERT_TRUE(file->write_at(offset_of(BlockIndex(20)), next_.block(60, 5)));
  const auto local = adopt(next_, "next");
  ASSERT_TRUE(next_.send_tree(*local));
  expect_served(*local, 5);
  ASSERT_TRUE(store_->flush());
  std::vector<std::byte> out(block_size, std::byte{0});
  EXPECT_TRUE(store_->read_by_digest(base_.digests[20], out)) << "from the borrower's own pack";
  EXPECT_TRUE(std::ranges::equal(out, base_.block(20)));
}

TEST_F(SharingFaults, source_in_place_is_cut_short_and_deleted) {
  const auto local = borrower(PackKind::in_place);
  std::filesystem::resize_file(raw_, 50 * block_size);
  std::filesystem::remove(raw_);
  expect_served(*local, 40);
}

TEST_F(SharingFaults, deleted_source_is_noticed_after_a_restart) {
  borrower(PackKind::in_place);
  std::filesystem::remove(raw_);
  reopen();
  const auto local = image(next_);
  expect_served(*local, 80);
}

TEST_F(SharingFaults, pack_of_the_lender_is_truncated) {
  const auto local = borrower(PackKind::own);
  std::filesystem::resize_file(file_of(base_, "pack"), 50 * block_size);
  expect_served(*local, 40);
}

TEST_F(SharingFaults, lender_is_removed_while_it_is_borrowed_from) {
  for (const auto kind : {PackKind::own, PackKind::in_place}) {
    const auto local = borrower(kind);
    ASSERT_TRUE(store_->remove("base"));
    std::filesystem::remove(raw_);
    expect_served(*local, 0);
    store_.reset();
    std::filesystem::remove_all(dir_ / "state");
    SetUp();
  }
}

TEST_F(SharingFaults, index_that_lies_only_hides_blocks) {
  ASSERT_TRUE(import(base_, "base"));
  {
    // Every entry points to the block behind the right one: the keys stay.
    auto file = posix_file_system().open(file_of(base_, "index"), OpenMode::read_write).value();
    for (std::uint64_t e = 0; e < 200; ++e) {
      std::array<std::byte, 1> low{};
      ASSERT_TRUE(file->read_at(ByteOffset(4096 + e * 16 + 8), low));
      low[0] = static_cast<std::byte>(static_cast<unsigned>(low[0]) + 1);
      ASSERT_TRUE(file->write_at(ByteOffset(4096 + e * 16 + 8), low));
    }
  }
  const auto local = adopt(next_, "next");
  ASSERT_TRUE(next_.send_tree(*local));
  EXPECT_EQ(local->usage().borrowed, BlockCount(0));
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(store_->read_by_digest(base_.digests[3], out).error().is(Errc::not_resident));
  expect_served(*local, 80);
}

TEST_F(SharingFaults, index_of_garbage_is_made_again) {
  ASSERT_TRUE(import(base_, "base"));
  for (const std::size_t at : {0u, 20u, 4096u + 8u * 16u}) {
    store_.reset();
    std::fstream(file_of(base_, "index"), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(at))
        .write("garbage!garbage!", 16);
    reopen();
    ASSERT_TRUE(image(base_)->flush());
    const auto signature = store_->signature(base_.info.id, 1000);
    if (at < 4096) {
      ASSERT_TRUE(signature) << signature.error().message();
      EXPECT_EQ(signature->keys.size(), 200u);
    } else {
      EXPECT_FALSE(signature) << "keys that do not ascend are not passed on";
    }
  }
}

TEST_F(SharingFaults, lenders_own_damage_is_found_before_it_is_lent_on_by_digest) {
  ASSERT_TRUE(import(base_, "base"));
  ASSERT_TRUE(reads_as(*image(base_), base_)) << "it counts as checked";
  auto file = posix_file_system().open(file_of(base_, "pack"), OpenMode::read_write).value();
  const std::array flipped = {base_.block(7)[9] ^ std::byte{1}};
  ASSERT_TRUE(file->write_at(ByteOffset(7 * block_size + 9), flipped));
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(store_->read_by_digest(base_.digests[7], out).error().is(Errc::not_resident));
  EXPECT_TRUE(store_->read_by_digest(base_.digests[8], out));
}

}  // namespace
}  // namespace weft
