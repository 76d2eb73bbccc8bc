// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/tree_model.h"
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include <unistd.h>

namespace weft {
namespace {

using test::SampleImage;

class ImageStore : public test::StoreFixture {};

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

TEST_F(ImageStore, block_is_readable_only_after_its_commit) {
  const auto sample = SampleImage::picture("ab.c");
  const auto image = adopt(sample);
  EXPECT_FALSE(image->readable({BlockIndex(0), BlockCount(1)}));
  ASSERT_TRUE(sample.send_tree(*image));
  EXPECT_FALSE(image->readable({BlockIndex(0), BlockCount(1)}));
  EXPECT_TRUE(image->readable({BlockIndex(2), BlockCount(1)})) << "zero by the tree";
  ASSERT_TRUE(sample.send_blocks(*image, 0, 2));
  EXPECT_TRUE(image->readable({BlockIndex(0), BlockCount(3)}));
  EXPECT_EQ(image->next_missing({BlockIndex(0), BlockCount(4)}),
            (BlockRange{BlockIndex(3), BlockCount(1)}));
  EXPECT_TRUE(same(read(*image, 0, 3 * block_size), sample.block(0, 3)));
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(image->read(ByteOffset(3 * block_size), out).error().is(Errc::not_resident));
}

TEST_F(ImageStore, wrong_bytes_are_refused_and_those_before_them_kept) {
  const auto sample = SampleImage::picture("abc");
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  auto bytes = sample.bytes;
  bytes[block_size + 7] ^= std::byte{1};
  const auto committed = image->commit({BlockIndex(0), BlockCount(3)}, bytes);
  EXPECT_TRUE(committed.error().is(Errc::digest_mismatch));
  EXPECT_EQ(committed.error().detail, "block 1");
  EXPECT_TRUE(image->readable({BlockIndex(0), BlockCount(1)}));
  EXPECT_FALSE(image->readable({BlockIndex(1), BlockCount(1)}));
  EXPECT_FALSE(image->readable({BlockIndex(2), BlockCount(1)}));
}

TEST_F(ImageStore, reads_at_any_offset_and_past_the_end_give_the_image_and_zeros) {
  auto content = SampleImage::picture("ab.c").bytes;
  content.resize(content.size() - 1000);
  const SampleImage sample(content);
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  ASSERT_TRUE(sample.send_blocks(*image, 0, 4));
  auto padded = sample.bytes;
  padded.resize(8 * block_size);
  for (const std::size_t offset : {0u, 1u, 4095u, 4096u, 5000u, 12288u, 16000u}) {
    for (const std::size_t size : {1u, 511u, 4096u, 4097u, 9000u, 16384u}) {
      EXPECT_TRUE(same(read(*image, offset, size), std::span(padded).subspan(offset, size)))
          << offset << " " << size;
    }
  }
}

TEST_F(ImageStore, what_was_committed_is_there_after_reopening) {
  const auto sample = SampleImage::picture("abcdefgh..ij");
  {
    const auto image = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*image));
    ASSERT_TRUE(sample.send_blocks(*image, 2, 4));
  }
  reopen();
  const auto image = store_->image(sample.info.id);
  ASSERT_TRUE(image);
  EXPECT_EQ((*image)->next_missing({BlockIndex(2), BlockCount(10)}),
            (BlockRange{BlockIndex(6), BlockCount(2)}));
  EXPECT_TRUE((*image)->readable({BlockIndex(8), BlockCount(2)}));
  EXPECT_TRUE(same(read(**image, 2 * block_size, 4 * block_size), sample.block(2, 4)));
}

TEST_F(ImageStore, image_becomes_complete_with_its_last_block) {
  const auto sample = SampleImage::picture("ab.d");
  const auto image = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*image));
  ASSERT_TRUE(sample.send_blocks(*image, 0, 2));
  EXPECT_FALSE(image->usage().complete);
  ASSERT_TRUE(sample.send_blocks(*image, 3, 1));
  const auto before = image->usage();
  EXPECT_TRUE(before.complete);
  EXPECT_EQ(before.zero, BlockCount(1));
  EXPECT_EQ(before.resident, BlockCount(3));
  ASSERT_TRUE(image->flush());
}

TEST_F(ImageStore, complete_image_counts_the_same_after_reopening) {
  const auto sample = SampleImage::picture("ab.d");
  {
    const auto image = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*image));
    ASSERT_TRUE(sample.send_blocks(*image, 0, 4));
  }
  reopen();
  const auto image = store_->image(sample.info.id);
  ASSERT_TRUE(image);
  const auto usage = (*image)->usage();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.zero, BlockCount(1));
  EXPECT_EQ(usage.resident, BlockCount(3));
  EXPECT_TRUE(same(read(**image, 0, 4 * block_size), sample.bytes));
}

TEST_F(ImageStore, block_that_rots_in_the_pack_is_lost_and_can_be_fetched_again) {
  const auto sample = SampleImage::picture("abc");
  {
    const auto image = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*image));
    ASSERT_TRUE(sample.send_blocks(*image, 0, 3));
  }
  reopen();
  const auto path = dir_ / "state" / "images" / to_hex(sample.info.id) / "pack";
  {
    auto pack = posix_file_system().open(path, OpenMode::read_write).value();
    ASSERT_TRUE(pack->write_at(ByteOffset(block_size + 5), std::array{std::byte{0x77}}));
  }
  const auto local = image(sample);
  std::vector<std::byte> out(3 * block_size);
  EXPECT_TRUE(local->read(ByteOffset(0), out).error().is(Errc::not_resident));
  EXPECT_EQ(local->lost_blocks(), BlockCount(1));
  EXPECT_EQ(residency(*local), "#.#");
  ASSERT_TRUE(sample.send_blocks(*local, 1, 1));
  EXPECT_TRUE(reads_as(*local, sample));
}

TEST_F(ImageStore, pack_cut_short_loses_blocks_and_reads_no_zeros) {
  const auto sample = SampleImage::picture("abc");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  ASSERT_TRUE(sample.send_blocks(*local, 0, 3));
  std::filesystem::resize_file(dir_ / "state" / "images" / to_hex(sample.info.id) / "pack",
                               block_size);
  std::vector<std::byte> out(block_size);
  EXPECT_TRUE(local->read(ByteOffset(2 * block_size), out).error().is(Errc::not_resident));
  EXPECT_EQ(residency(*local), "##.");
}

TEST_F(ImageStore, huge_image_opens_at_once_and_a_zero_subtree_is_readable_at_once) {
  constexpr std::uint64_t tebibyte = std::uint64_t{1} << 40;
  const ByteCount size(10 * tebibyte);
  const auto model = test::model_of(size, {{5, test::make_digest(1)}});
  const ImageInfo info = model.info();
  const auto local = store_->adopt("huge", info);
  ASSERT_TRUE(local);
  for (auto node = model.nodes.rbegin(); node != model.nodes.rend(); ++node) {
    ASSERT_TRUE((*local)->add_node(node->first, node->second));
  }
  const BlockRange whole{BlockIndex(0), blocks_for(size)};
  EXPECT_EQ((*local)->next_missing(whole), (BlockRange{BlockIndex(5), BlockCount(1)}));
  ASSERT_TRUE(store_->flush());
  EXPECT_LT((*local)->usage().physical, ByteCount(8u << 20));
}

TEST_F(ImageStore, blocks_committed_without_flush_survive_a_kill) {
  const auto sample = SampleImage::picture("ab.cd");
  const auto state = dir_ / "state";
  const auto image_dir = std::filesystem::path("images") / to_hex(sample.info.id);
  {
    const auto local = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*local));
    ASSERT_TRUE(local->flush());
    ASSERT_TRUE(sample.send_blocks(*local, 0, 2));
    // What the files hold at this moment is what a killed process leaves.
    std::filesystem::copy(state / image_dir, dir_ / "killed");
  }
  store_.reset();
  std::filesystem::remove_all(state / image_dir);
  std::filesystem::rename(dir_ / "killed", state / image_dir);
  reopen();
  const auto local = image(sample);
  EXPECT_EQ(residency(*local), "###..");
  EXPECT_EQ(read(*local, 0, 2 * block_size),
            std::vector(sample.block(0, 2).begin(), sample.block(0, 2).end()));
}

TEST_F(ImageStore, damaged_map_is_made_again_by_hashing) {
  const auto sample = SampleImage::picture("ab.cd");
  {
    const auto local = adopt(sample);
    ASSERT_TRUE(sample.send_tree(*local));
    ASSERT_TRUE(sample.send_blocks(*local, 0, 2));
  }
  store_.reset();
  {
    const auto path = dir_ / "state" / "images" / to_hex(sample.info.id) / "map";
    auto map = posix_file_system().open(path, OpenMode::read_write).value();
    ASSERT_TRUE(map->write_at(ByteOffset(20), std::array{std::byte{0xff}}));
  }
  reopen();
  EXPECT_EQ(residency(*image(sample)), "###..");
}

TEST_F(ImageStore, second_process_is_told_who_holds_the_state) {
  const auto second = Store::open(posix_file_system(), {dir_ / "state", ByteCount(0)});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(Errc::state_locked));
  EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(ImageStore, state_of_a_newer_weft_is_refused) {
  store_.reset();
  const std::string newer = "weft state 2\n";
  test::write_file(dir_ / "state" / "format", std::as_bytes(std::span(newer)));
  const auto opened = Store::open(posix_file_system(), {dir_ / "state", ByteCount(0)});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(Errc::newer_state));
}

TEST_F(ImageStore, commit_below_the_free_space_floor_is_refused) {
  store_.reset();
  auto opened =
      Store::open(posix_file_system(), {dir_ / "state", ByteCount(std::uint64_t{1} << 60)});
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  const auto sample = SampleImage::picture("ab");
  const auto local = adopt(sample);
  ASSERT_TRUE(sample.send_tree(*local));
  EXPECT_TRUE(sample.send_blocks(*local, 0, 1).error().is(std::errc::no_space_on_device));
  EXPECT_EQ(residency(*local), "..");
}

TEST_F(ImageStore, one_object_per_image) {
  const auto sample = SampleImage::picture("ab");
  const auto one = adopt(sample);
  EXPECT_EQ(one, image(sample));
  EXPECT_EQ(one, adopt(sample, "other"));
}

TEST_F(ImageStore, settings_are_kept_by_kind_and_key) {
  ASSERT_TRUE(store_->set_setting("peer", "a", "{}"));
  ASSERT_TRUE(store_->set_setting("mount", "a", "[]"));
  reopen();
  EXPECT_EQ(*store_->setting("peer", "a"), "{}");
  EXPECT_EQ(*store_->setting("peer", "b"), std::nullopt);
  ASSERT_TRUE(store_->set_setting("peer", "a", std::nullopt));
  EXPECT_TRUE(store_->settings("peer")->empty());
  EXPECT_EQ(store_->settings("mount")->size(), 1u);
}

}  // namespace
}  // namespace weft
