// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/link_rows.h"

#include "indexer/catalog/catalog.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace weft::catalog {
namespace {

LinkRow row(int n) {
  LinkRow row;
  row.node.bytes[0] = static_cast<std::uint8_t>(n);
  row.address = "10.0.0.7:7440";
  row.measured = 1'700'000'000;
  row.in = {.mean = 12.5e6, .deviation = 1.25e6, .samples = 7.5};
  row.out = {.mean = 1e6 / 3, .deviation = 0, .samples = 1};
  row.round_trip = 0.0205;
  row.up = 86'400.25;
  row.lost = 12.5;
  row.events = 2;
  return row;
}

class LinkRowsTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    catalog_.reset();
    auto opened = Catalog::open(dir_ / "db");
    ASSERT_TRUE(opened) << opened.error().message();
    catalog_ = std::move(*opened);
  }

  const test::TempDirectory dir_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(LinkRowsTest, every_figure_is_there_after_reopening) {
  const std::array rows = {row(1), row(2)};
  ASSERT_TRUE(catalog_->put_links(rows));
  reopen();
  EXPECT_EQ(*catalog_->links(), std::vector<LinkRow>(rows.begin(), rows.end()));
}

TEST_F(LinkRowsTest, what_is_not_known_stays_unknown) {
  LinkRow unknown;
  unknown.node.bytes[0] = 9;
  ASSERT_TRUE(catalog_->put_links({&unknown, 1}));
  EXPECT_EQ(catalog_->links()->at(0), unknown);
}

TEST_F(LinkRowsTest, rows_replace_all_there_were) {
  const std::array two = {row(1), row(2)};
  ASSERT_TRUE(catalog_->put_links(two));
  const std::array one = {row(3)};
  ASSERT_TRUE(catalog_->put_links(one));
  ASSERT_EQ(catalog_->links()->size(), 1u);
  EXPECT_EQ(catalog_->links()->at(0), row(3));
}

TEST_F(LinkRowsTest, a_replacement_that_fails_leaves_what_was_there) {
  const std::array good = {row(1)};
  ASSERT_TRUE(catalog_->put_links(good));
  const std::array twice = {row(2), row(2)};
  EXPECT_FALSE(catalog_->put_links(twice));
  EXPECT_EQ(catalog_->links()->at(0), row(1));
}

}  // namespace
}  // namespace weft::catalog
