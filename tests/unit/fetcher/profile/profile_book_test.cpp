// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_book.h"

#include "indexer/core/file_io.h"
#include "tests/support/fetcher/boots.h"
#include "tests/support/indexer/temp_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace weft::fetcher {
namespace {

using test::boot;
using weft::test::full_signature;
using weft::test::image_number;

BootProfile of_image(std::uint32_t image, BootProfile profile) {
  profile.image = image_number(image);
  return profile;
}

class ProfileBookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(posix_file_system(), {.directory = dir_ / "state"});
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
    book_ = std::make_unique<ProfileBook>(*store_, [this] { return time_; });
  }
  void learn_signature(std::uint32_t image, weft::test::Keys keys) {
    ASSERT_TRUE(store_->learn_signature(full_signature(std::move(keys), image_number(image))));
  }

  const weft::test::TempDirectory dir_;
  std::int64_t time_ = 5000;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ProfileBook> book_;
};

TEST_F(ProfileBookTest, own_boots_are_merged) {
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}, {2, 10}}))));
  time_ = 6000;
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}, {3, 10}}))));
  const auto found = book_->find(image_number(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->boots, 2u);
  EXPECT_EQ(found->entries.size(), 3u);
  const auto kept = book_->kept(image_number(1));
  EXPECT_EQ((*kept)->recorded, 2u);
  EXPECT_EQ((*kept)->made, 6000);
}

TEST_F(ProfileBookTest, image_never_booted_here_gets_the_profile_that_it_has_most_blocks_of) {
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}, {2, 1}, {3, 2}, {4, 3}}))));
  ASSERT_TRUE(book_->record(of_image(2, boot({{11, 0}, {12, 1}, {13, 2}, {14, 3}}))));
  learn_signature(9, {1, 11, 12, 13});
  const auto found = book_->find(image_number(9));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->image, image_number(2)) << "whose it is is said";
}

TEST_F(ProfileBookTest, profile_of_a_stranger_is_no_help) {
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}, {2, 1}}))));
  learn_signature(9, {100, 200});
  EXPECT_FALSE(book_->find(image_number(9)));
  EXPECT_FALSE(book_->find(image_number(8))) << "nothing is known of it";
}

TEST_F(ProfileBookTest, new_boot_changes_whom_a_profile_fits) {
  learn_signature(9, {7, 8});
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}}))));
  EXPECT_FALSE(book_->find(image_number(9)));
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}, {7, 1}, {8, 2}}))));
  EXPECT_TRUE(book_->find(image_number(9)));
}

TEST_F(ProfileBookTest, what_peers_say_counts_only_until_something_is_known_here) {
  ASSERT_TRUE(book_->learn(of_image(1, boot({{1, 0, 3}}, 3))));
  EXPECT_TRUE((*book_->kept(image_number(1)))->from_peer);
  ASSERT_TRUE(book_->import(of_image(1, boot({{2, 0}}))));
  ASSERT_TRUE(book_->learn(of_image(1, boot({{3, 0}}))));
  const auto found = book_->find(image_number(1));
  ASSERT_EQ(found->entries.size(), 1u);
  EXPECT_EQ(found->entries[0].key, 2u);
}

TEST_F(ProfileBookTest, row_that_cannot_be_read_is_left_alone) {
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}}))));
  ASSERT_TRUE(store_->add_profile(image_number(1), {.made = 1, .encoded = {std::byte{9}}}));
  EXPECT_EQ(book_->find(image_number(1))->boots, 1u);
  ASSERT_TRUE(store_->add_profile(image_number(2), {.made = 1, .encoded = {std::byte{9}}}));
  EXPECT_FALSE(book_->has(image_number(2)));
}

TEST_F(ProfileBookTest, dropped_profile_is_gone_for_relatives_too) {
  learn_signature(9, {1});
  ASSERT_TRUE(book_->record(of_image(1, boot({{1, 0}}))));
  EXPECT_TRUE(book_->find(image_number(9)));
  EXPECT_EQ(book_->drop(image_number(1)), true);
  EXPECT_FALSE(book_->find(image_number(9)));
  EXPECT_EQ(book_->drop(image_number(1)), false);
}

TEST_F(ProfileBookTest, profile_that_cannot_be_is_refused) {
  const auto refused = book_->record(of_image(1, boot({{1, 5}, {2, 0}})));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::bad_request));
}

}  // namespace
}  // namespace weft::fetcher
