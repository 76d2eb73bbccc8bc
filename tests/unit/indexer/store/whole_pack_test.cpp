// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace weft {
namespace {

using test::SampleImage;

class WholePack : public test::StoreFixture {
 protected:
  /// A pass over all of the image.
  static Result<void> make_whole(LocalImage& image) {
    for (BlockRange rest{BlockIndex(0), image.shape().blocks()}; !rest.empty();) {
      WEFT_TRY(rest, image.make_whole(rest));
    }
    return {};
  }
  static std::vector<std::byte> bytes_of_pack(LocalImage& image) {
    std::vector<std::byte> bytes(image.info().size.value() + 1);
    const auto got = ::pread(image.whole_pack(), bytes.data(), bytes.size(), 0);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }
  void write_to_pack(const SampleImage& sample, std::uint64_t block, std::byte value) {
    const auto path = dir_ / "state" / "images" / to_hex(sample.info.id) / "pack";
    auto file = posix_file_system().open(path, OpenMode::read_write).value();
    ASSERT_TRUE(file->write_at(ByteOffset(block * block_size + 9), std::array{value}));
  }
};

TEST_F(WholePack, complete_image_is_whole_only_after_a_pass_over_it) {
  const auto sample = SampleImage::picture("ab.." + std::string(200, 'c') + "d");
  ASSERT_TRUE(import(sample, "disk"));
  const auto local = image(sample);
  EXPECT_EQ(local->whole_pack(), -1);
  const auto first = local->make_whole({BlockIndex(0), local->shape().blocks()});
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->empty());
  EXPECT_EQ(local->whole_pack(), -1);
  ASSERT_TRUE(make_whole(*local));
  ASSERT_GE(local->whole_pack(), 0);
  EXPECT_EQ(bytes_of_pack(*local), sample.bytes);
}

TEST_F(WholePack, borrowed_blocks_are_copied_and_the_lender_may_go) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("fa.xbc");
  ASSERT_TRUE(import(base, "base"));
  {
    const auto local = adopt(next, "next");
    ASSERT_TRUE(next.send_tree(*local));
    ASSERT_TRUE(next.send_blocks(*local, 3, 1));
    ASSERT_EQ(local->usage().borrowed, BlockCount(4));
    ASSERT_TRUE(make_whole(*local));
    EXPECT_EQ(local->usage().borrowed, BlockCount(0));
    EXPECT_EQ(bytes_of_pack(*local), next.bytes);
    ASSERT_TRUE(local->flush());
  }
  const auto removed = store_->remove("base");
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->kept_for_borrowers, BlockCount(0));
  reopen();
  EXPECT_TRUE(reads_as(*image(next), next));
}

TEST_F(WholePack, damaged_block_of_a_lender_is_not_copied) {
  const auto base = SampleImage::picture("abc");
  const auto next = SampleImage::picture("cb");
  ASSERT_TRUE(import(base, "base"));
  const auto local = adopt(next, "next");
  ASSERT_TRUE(next.send_tree(*local));
  write_to_pack(base, 1, std::byte{0x5a});
  const auto done = make_whole(*local);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::not_resident));
  EXPECT_EQ(local->whole_pack(), -1);
  ASSERT_TRUE(next.send_blocks(*local, 1, 1));
  ASSERT_TRUE(make_whole(*local));
  EXPECT_EQ(bytes_of_pack(*local), next.bytes);
}

TEST_F(WholePack, damage_at_rest_is_found_by_the_pass) {
  const auto sample = SampleImage::picture("abcd");
  ASSERT_TRUE(import(sample, "disk"));
  write_to_pack(sample, 2, std::byte{0x5a});
  const auto local = image(sample);
  EXPECT_FALSE(make_whole(*local));
  EXPECT_EQ(local->whole_pack(), -1);
  EXPECT_EQ(residency(*local), "##.#");
}

TEST_F(WholePack, what_lies_where_zeros_must_be_is_cleared) {
  const auto sample = SampleImage::picture("a..d");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(sample.send_blocks(*local, 0, 1));
  ASSERT_TRUE(sample.send_blocks(*local, 3, 1));
  write_to_pack(sample, 1, std::byte{0x5a});
  ASSERT_TRUE(make_whole(*local));
  EXPECT_EQ(bytes_of_pack(*local), sample.bytes);
}

TEST_F(WholePack, block_that_is_lost_later_ends_it) {
  const auto sample = SampleImage::picture("abcd");
  ASSERT_TRUE(import(sample, "disk"));
  const auto local = image(sample);
  ASSERT_TRUE(make_whole(*local));
  ASSERT_EQ(::ftruncate(local->whole_pack(), 2 * block_size), 0);
  std::vector<std::byte> out(block_size);
  EXPECT_FALSE(local->read(ByteOffset(3 * block_size), out));
  EXPECT_EQ(local->whole_pack(), -1);
}

TEST_F(WholePack, incomplete_image_is_refused) {
  const auto sample = SampleImage::picture("abcd");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(sample.send_blocks(*local, 0, 3));
  const auto done = make_whole(*local);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::not_resident));
  EXPECT_EQ(local->whole_pack(), -1);
}

TEST_F(WholePack, image_that_ends_within_a_block_is_refused) {
  auto bytes = test::raw_bytes("ab");
  bytes.resize(bytes.size() - 512);
  const SampleImage sample(std::move(bytes));
  ASSERT_TRUE(import(sample, "disk"));
  const auto done = make_whole(*image(sample));
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::unsupported));
}

TEST_F(WholePack, image_in_place_is_refused) {
  const auto sample = SampleImage::picture("ab");
  test::write_file(dir_ / "disk.raw", sample.bytes);
  ASSERT_TRUE(import(sample, "disk", PackKind::in_place, dir_ / "disk.raw"));
  const auto done = make_whole(*image(sample));
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::unsupported));
}

}  // namespace
}  // namespace weft
