// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/catalog.h"

#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace weft {
namespace {

class CatalogTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    catalog_.reset();
    auto opened = Catalog::open(path_);
    ASSERT_TRUE(opened) << opened.error().message();
    catalog_ = std::move(*opened);
  }
  static CatalogImage sample(std::uint64_t n) {
    const ByteCount size(4096 * 10);
    const Digest root = test::make_digest(n);
    return {{make_image_id(size, root), size, root}, n % 2 == 0, "/srv/disk.raw", false};
  }

  const test::TempDirectory dir_;
  const std::filesystem::path path_ = dir_ / "catalog.sqlite";
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogTest, node_id_is_made_once) {
  const NodeId first = catalog_->node_id();
  EXPECT_FALSE(first.is_zero());
  reopen();
  EXPECT_EQ(catalog_->node_id(), first);
}

TEST_F(CatalogTest, names_point_to_images_across_reopening) {
  ASSERT_TRUE(catalog_->add("one", sample(1)));
  ASSERT_TRUE(catalog_->add("uno", sample(1)));
  ASSERT_TRUE(catalog_->add("two", sample(2)));
  reopen();
  EXPECT_EQ(*catalog_->image(sample(1).info.id), sample(1));
  EXPECT_EQ(*catalog_->image_named("uno"), sample(1).info.id);
  EXPECT_EQ(*catalog_->names_of(sample(1).info.id), (std::vector<std::string>{"one", "uno"}));
  EXPECT_EQ(catalog_->images()->size(), 2u);
  EXPECT_EQ(catalog_->names()->size(), 3u);
}

TEST_F(CatalogTest, taken_name_changes_nothing) {
  ASSERT_TRUE(catalog_->add("one", sample(1)));
  const auto again = catalog_->add("one", sample(2));
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(Errc::name_taken));
  EXPECT_EQ(catalog_->images()->size(), 1u) << "the image row was rolled back with it";
  EXPECT_TRUE(catalog_->add("one", sample(1))) << "the same name for the same image is no conflict";
}

TEST_F(CatalogTest, lender_has_no_names_and_borrows_nothing_until_it_is_added_again) {
  ASSERT_TRUE(catalog_->add("one", sample(1)));
  ASSERT_TRUE(catalog_->add("two", sample(2)));
  ASSERT_TRUE(catalog_->add_borrow(sample(1).info.id, sample(2).info.id));
  ASSERT_TRUE(catalog_->make_lender(sample(1).info.id));
  EXPECT_TRUE((*catalog_->image(sample(1).info.id))->lender);
  EXPECT_TRUE(catalog_->names_of(sample(1).info.id)->empty());
  EXPECT_TRUE(catalog_->lenders_of(sample(1).info.id)->empty());
  ASSERT_TRUE(catalog_->add("again", sample(1)));
  EXPECT_FALSE((*catalog_->image(sample(1).info.id))->lender);
}

TEST_F(CatalogTest, image_that_lends_cannot_be_removed) {
  ASSERT_TRUE(catalog_->add("one", sample(1)));
  ASSERT_TRUE(catalog_->add("two", sample(2)));
  ASSERT_TRUE(catalog_->add_borrow(sample(1).info.id, sample(2).info.id));
  EXPECT_FALSE(catalog_->remove_image(sample(2).info.id));
  EXPECT_EQ(*catalog_->image_named("two"), sample(2).info.id) << "rolled back as a whole";
  EXPECT_EQ(*catalog_->borrowers_of(sample(2).info.id), std::vector{sample(1).info.id});
  ASSERT_TRUE(catalog_->remove_image(sample(1).info.id));
  EXPECT_TRUE(catalog_->remove_image(sample(2).info.id));
  EXPECT_TRUE(catalog_->images()->empty());
}

TEST_F(CatalogTest, damaged_database_is_reported_as_such) {
  catalog_.reset();
  const std::string rubbish(8192, 'x');
  test::write_file(path_, std::as_bytes(std::span(rubbish)));
  const auto opened = Catalog::open(path_);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(Errc::damaged_state)) << opened.error().message();
}

TEST_F(CatalogTest, names_are_data_not_sql) {
  const std::string name = "x'; DROP TABLE name; --";
  ASSERT_TRUE(catalog_->set_setting("peer", name, "{\"a\":\"'\"}"));
  EXPECT_EQ(*catalog_->setting("peer", name), "{\"a\":\"'\"}");
  EXPECT_TRUE(catalog_->names());
}

}  // namespace
}  // namespace weft
