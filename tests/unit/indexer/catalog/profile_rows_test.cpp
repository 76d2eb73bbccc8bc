// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/catalog.h"
#include "tests/support/indexer/temp_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weft::catalog {
namespace {

using testing::ElementsAre;

class ProfileRowsTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    catalog_.reset();
    auto opened = Catalog::open(dir_ / "db");
    ASSERT_TRUE(opened) << opened.error().message();
    catalog_ = std::move(*opened);
  }
  static ImageId id(int n) {
    ImageId id;
    id.bytes[0] = static_cast<std::uint8_t>(n);
    return id;
  }
  static ProfileRow row(int value, std::size_t size = 10,
                        ProfileOrigin origin = ProfileOrigin::recorded) {
    return {origin, 1000 + value, std::vector(size, static_cast<std::byte>(value))};
  }
  void add(int image, const ProfileRow& row, ProfileLimits limits = {}) {
    const auto added = catalog_->add_profile(id(image), row, limits);
    ASSERT_TRUE(added) << added.error().message();
  }
  std::vector<ProfileRow> of(int image) { return *catalog_->profiles(id(image)); }

  const test::TempDirectory dir_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(ProfileRowsTest, recordings_are_there_after_reopening_oldest_first) {
  add(1, row(5));
  add(2, row(6, 4, ProfileOrigin::imported));
  add(1, row(7));
  reopen();
  EXPECT_THAT(of(1), ElementsAre(row(5), row(7)));
  EXPECT_THAT(of(2), ElementsAre(row(6, 4, ProfileOrigin::imported)));
  EXPECT_TRUE(of(3).empty());
  EXPECT_THAT(*catalog_->profiled_images(), ElementsAre(id(1), id(2)));
}

TEST_F(ProfileRowsTest, the_oldest_recordings_of_an_image_make_room) {
  const ProfileLimits two{.of_image = 2};
  for (int value : {1, 2, 3})
    add(1, row(value), two);
  EXPECT_THAT(of(1), ElementsAre(row(2), row(3)));
}

TEST_F(ProfileRowsTest, what_a_peer_said_goes_when_something_newer_comes) {
  add(1, row(1, 10, ProfileOrigin::peer));
  add(1, row(2, 10, ProfileOrigin::peer));
  EXPECT_THAT(of(1), ElementsAre(row(2, 10, ProfileOrigin::peer)));
  add(1, row(3));
  EXPECT_THAT(of(1), ElementsAre(row(3)));
}

TEST_F(ProfileRowsTest, image_that_was_not_used_loses_its_profiles_first) {
  const ProfileLimits three{.rows = 3};
  for (int image : {1, 2, 3})
    add(image, row(image), three);
  ASSERT_TRUE(catalog_->profile_used(id(1)));
  add(4, row(4), three);
  EXPECT_THAT(*catalog_->profiled_images(), ElementsAre(id(4), id(1), id(3)));
}

TEST_F(ProfileRowsTest, bytes_are_bounded_too) {
  const ProfileLimits small{.bytes = ByteCount(100)};
  add(1, row(1, 60), small);
  add(2, row(2, 101), small);
  EXPECT_TRUE(of(2).empty()) << "alone larger than all may be";
  EXPECT_FALSE(of(1).empty());
  add(2, row(2, 60), small);
  EXPECT_TRUE(of(1).empty());
  EXPECT_FALSE(of(2).empty());
}

TEST_F(ProfileRowsTest, dropping_says_whether_there_was_one) {
  add(1, row(1));
  EXPECT_EQ(catalog_->drop_profiles(id(1)), true);
  EXPECT_EQ(catalog_->drop_profiles(id(1)), false);
  EXPECT_TRUE(of(1).empty());
}

TEST_F(ProfileRowsTest, profile_needs_no_image_and_outlives_one) {
  const ImageInfo info{make_image_id(ByteCount(4096), {}), ByteCount(4096), {}};
  ASSERT_TRUE(catalog_->add("web", {info, false, "", false}));
  ASSERT_TRUE(catalog_->add_profile(info.id, row(1), {}));
  ASSERT_TRUE(catalog_->remove_image(info.id));
  EXPECT_EQ(catalog_->profiles(info.id)->size(), 1u);
}

}  // namespace
}  // namespace weft::catalog
