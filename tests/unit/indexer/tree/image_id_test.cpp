// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/image_id.h"

#include "tests/support/indexer/tree_model.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

// The bytes are fixed for ever: other nodes compute the same id. Independently:
//   { printf 'weft image 1\0'; printf '\x00\x10\0\0\0\0\0\0'; head -c 32 /dev/zero; } | sha256sum
TEST(ImageId, of_one_zero_block_is_the_published_vector) {
  EXPECT_EQ(to_hex(make_image_id(ByteCount(4096), Digest{})),
            "b60e592e3d9b91190c1b22ba367e4fe5f07a3c9d70ed17f348f64d77b09d4935");
}

TEST(ImageId, commits_to_size_and_root) {
  const ImageId id = make_image_id(ByteCount(4096), test::make_digest(1));
  EXPECT_NE(id, make_image_id(ByteCount(4095), test::make_digest(1)));
  EXPECT_NE(id, make_image_id(ByteCount(4096), test::make_digest(2)));
}

TEST(ImageId, info_that_does_not_fit_its_id_is_inconsistent) {
  const Digest root = test::make_digest(1);
  const ByteCount size(5000);
  EXPECT_TRUE(is_consistent({make_image_id(size, root), size, root}));
  EXPECT_FALSE(is_consistent({make_image_id(size, root), ByteCount(5001), root}));
  EXPECT_FALSE(is_consistent({make_image_id(size, root), size, test::make_digest(2)}));
}

TEST(ImageId, sizes_out_of_bounds_are_inconsistent_whatever_the_id) {
  const Digest root;
  for (const ByteCount size : {ByteCount(0), max_image_size + ByteCount(1), ByteCount(~0ull)})
    EXPECT_FALSE(is_consistent({make_image_id(size, root), size, root})) << size.value();
}

TEST(ImageId, is_named_by_eight_or_more_of_its_first_digits) {
  const ImageId id = make_image_id(ByteCount(4096), Digest{});
  const std::string hex = to_hex(id);
  EXPECT_TRUE(is_prefix_of(hex, id));
  EXPECT_TRUE(is_prefix_of(hex.substr(0, 8), id));
  EXPECT_FALSE(is_prefix_of(hex.substr(0, 7), id));
  EXPECT_FALSE(is_prefix_of(hex + "0", id));
  EXPECT_FALSE(is_prefix_of(hex.substr(1), id));
  EXPECT_FALSE(is_prefix_of("", id));
}

}  // namespace
}  // namespace weft
