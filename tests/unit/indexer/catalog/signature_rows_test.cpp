// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/signature_rows.h"

#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace weft::catalog {
namespace {

using Bytes = std::vector<std::byte>;

class SignatureRowsTest : public ::testing::Test {
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
    id.bytes[1] = static_cast<std::uint8_t>(n >> 8);
    return id;
  }
  static Bytes bytes(std::size_t size, int value) {
    return Bytes(size, static_cast<std::byte>(value));
  }
  void put(int n, std::size_t size, SignatureLimits limits = {}) {
    ASSERT_TRUE(catalog_->put_signature(id(n), bytes(size, n), limits));
  }
  bool has(int n) {
    const auto found = catalog_->signature(id(n));
    EXPECT_TRUE(found);
    return found->has_value();
  }

  const test::TempDirectory dir_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(SignatureRowsTest, signature_is_there_after_reopening_and_a_later_one_replaces_it) {
  put(1, 100);
  reopen();
  EXPECT_EQ(*catalog_->signature(id(1)), bytes(100, 1));
  ASSERT_TRUE(catalog_->put_signature(id(1), bytes(7, 9), {}));
  EXPECT_EQ(*catalog_->signature(id(1)), bytes(7, 9));
  EXPECT_EQ(catalog_->signatures()->size(), 1u);
  ASSERT_TRUE(catalog_->remove_signature(id(1)));
  EXPECT_FALSE(has(1));
}

TEST_F(SignatureRowsTest, more_than_the_limit_drops_the_oldest) {
  const SignatureLimits three{3, ByteCount(1000)};
  for (int n = 1; n <= 5; ++n)
    put(n, 10, three);
  EXPECT_EQ(*catalog_->signatures(), (std::vector<ImageId>{id(5), id(4), id(3)}));
}

TEST_F(SignatureRowsTest, bytes_are_bounded_too) {
  const SignatureLimits small{100, ByteCount(1000)};
  put(1, 400, small);
  put(2, 400, small);
  put(3, 400, small);
  EXPECT_EQ(*catalog_->signatures(), (std::vector<ImageId>{id(3), id(2)}));
  put(4, 2000, small);
  EXPECT_EQ(*catalog_->signatures(), (std::vector<ImageId>{id(3), id(2)}))
      << "one that is too large alone is not kept, and costs no other its place";
}

TEST_F(SignatureRowsTest, signature_in_use_outlives_those_that_nobody_asked_for) {
  const int others = static_cast<int>(SignatureRows::use_slack) + 1;
  const SignatureLimits limits{static_cast<std::uint64_t>(others) + 1, ByteCount(1u << 20)};
  for (int n = 0; n <= others; ++n)
    put(n, 10, limits);
  EXPECT_TRUE(has(0)) << "the oldest, and now the last one used";
  put(1000, 10, limits);
  EXPECT_TRUE(has(0));
  EXPECT_FALSE(has(1));
}

}  // namespace
}  // namespace weft::catalog
