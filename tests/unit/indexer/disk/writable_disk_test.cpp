// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/disk/disk_fixture.h"

#include <algorithm>
#include <map>

namespace weft {
namespace {

using test::DiskCall;
using test::SampleImage;

class Disk : public test::DiskFixture {
 protected:
  /// The same disk over an image of which nothing is here.
  void make_lazy() {
    disk_.reset();
    base_.reset();
    ASSERT_TRUE(store_->remove("base"));
    base_ = adopt(sample_, "base");
    make("lazy");
  }
  static std::vector<std::byte> bytes(std::size_t count, unsigned char fill = 9) {
    return std::vector<std::byte>(count, std::byte{fill});
  }
};

TEST_F(Disk, unchanged_blocks_are_those_of_the_image) {
  EXPECT_EQ(content(), sample_bytes());
}

TEST_F(Disk, write_past_the_end_is_refused) {
  EXPECT_TRUE(disk_->write(ByteOffset(size - 1), bytes(2)).error().is(Errc::bad_request));
  EXPECT_TRUE(disk_->zero(ByteOffset(0), ByteCount(size + 1)).error().is(Errc::bad_request));
  EXPECT_TRUE(disk_->write(ByteOffset(~std::uint64_t{0}), bytes(2)).error().is(Errc::bad_request));
  EXPECT_EQ(content(), sample_bytes());
}

TEST_F(Disk, part_of_a_block_that_is_missing_below_is_not_written) {
  make_lazy();
  const auto written = disk_->write(ByteOffset(block_size - 10), bytes(2 * block_size));
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().is(Errc::not_resident));
  EXPECT_EQ(disk_->missing_for(ByteOffset(block_size - 10), ByteCount(2 * block_size)),
            (std::vector{BlockIndex(0), BlockIndex(2)}));
  EXPECT_EQ(disk_->usage().written, BlockCount(0));
}

TEST_F(Disk, whole_blocks_need_nothing_from_below) {
  make_lazy();
  EXPECT_TRUE(disk_->missing_for(ByteOffset(block_size), ByteCount(2 * block_size)).empty());
  ASSERT_TRUE(disk_->write(ByteOffset(block_size), bytes(2 * block_size)));
  EXPECT_TRUE(disk_->readable({BlockIndex(1), BlockCount(2)}));
  EXPECT_FALSE(disk_->readable({BlockIndex(0), BlockCount(2)}));
  EXPECT_EQ(disk_->missing_within({BlockIndex(0), BlockCount(5)}),
            (BlockRange{BlockIndex(0), BlockCount(5)}));
  EXPECT_TRUE(disk_->missing_within({BlockIndex(1), BlockCount(2)}).empty());
}

TEST_F(Disk, last_block_of_an_odd_size_is_written_whole_by_its_bytes) {
  make_lazy();
  const std::uint64_t last = (blocks - 1) * block_size;
  ASSERT_TRUE(disk_->write(ByteOffset(last), bytes(size - last)));
  EXPECT_TRUE(disk_->readable({BlockIndex(blocks - 1), BlockCount(1)}));
}

TEST_F(Disk, part_is_written_over_what_the_reader_below_gives) {
  make_lazy();
  struct Loose final : BlocksBelow {
    Result<void> read(ByteOffset, std::span<std::byte> out) const override {
      std::ranges::fill(out, std::byte{3});
      return {};
    }
  };
  ASSERT_TRUE(disk_->write(ByteOffset(10), bytes(5), Loose()));
  auto expected = bytes(block_size, 3);
  std::fill_n(expected.begin() + 10, 5, std::byte{9});
  std::vector<std::byte> out(block_size);
  ASSERT_TRUE(disk_->read(ByteOffset(0), out));
  EXPECT_EQ(out, expected);
}

TEST_F(Disk, zeroed_blocks_are_holes_and_cost_no_space) {
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(64 * block_size)));
  ASSERT_TRUE(disk_->flush());
  const ByteCount before = disk_->usage().physical;
  ASSERT_TRUE(disk_->zero(ByteOffset(0), ByteCount(64 * block_size)));
  EXPECT_LT(disk_->usage().physical, before);
  EXPECT_EQ(disk_->next_data({BlockIndex(0), BlockCount(64)}), std::nullopt);
  EXPECT_EQ(disk_->usage().written, BlockCount(0));
}

TEST_F(Disk, data_are_told_from_holes_over_both_layers) {
  // Block 3 is zero in the image.
  EXPECT_EQ(disk_->next_data({BlockIndex(3), BlockCount(7)})->first, BlockIndex(4));
  ASSERT_TRUE(disk_->write(ByteOffset(3 * block_size), bytes(1)));
  EXPECT_EQ(disk_->next_data({BlockIndex(3), BlockCount(7)})->first, BlockIndex(3));
  ASSERT_TRUE(disk_->zero(ByteOffset(4 * block_size), ByteCount(2 * block_size)));
  EXPECT_EQ(disk_->next_data({BlockIndex(4), BlockCount(7)})->first, BlockIndex(6));
}

TEST_F(Disk, flush_without_changes_touches_nothing) {
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(1)));
  ASSERT_TRUE(disk_->flush());
  const auto calls = faulty_.calls(DiskCall::any_change);
  ASSERT_TRUE(disk_->flush());
  EXPECT_EQ(faulty_.calls(DiskCall::any_change), calls);
}

TEST_F(Disk, rewriting_a_block_costs_one_call) {
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(block_size)));
  const auto calls = faulty_.calls(DiskCall::any_change);
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(block_size, 8)));
  EXPECT_EQ(faulty_.calls(DiskCall::any_change), calls + 1);
}

TEST_F(Disk, live_map_of_another_boot_is_not_believed) {
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(block_size)));
  disk_.reset();
  ++boots_;
  open();
  EXPECT_EQ(content(), sample_bytes());
}

TEST_F(Disk, snapshot_holds_what_was_there_while_the_disk_goes_on) {
  ASSERT_TRUE(disk_->write(ByteOffset(0), bytes(280 * block_size, 1)));
  std::map<std::uint64_t, std::byte> kept;
  const auto sink = [&](BlockIndex first, std::span<const std::byte> blocks) -> Result<void> {
    for (std::size_t i = 0; i < blocks.size() / block_size; ++i)
      EXPECT_TRUE(kept.emplace(first.value() + i, blocks[i * block_size]).second) << "twice";
    return {};
  };
  const auto snapshot = disk_->begin_snapshot(sink);
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(disk_->begin_snapshot(sink).error().is(Errc::image_in_use));
  ASSERT_TRUE(disk_->write(ByteOffset(10 * block_size), bytes(block_size, 2)));
  EXPECT_EQ(kept.size(), 256u) << "the writer hands over the region, and no more";
  ASSERT_TRUE(disk_->zero(ByteOffset(270 * block_size), ByteCount(block_size)));
  disk_->keep_for(**snapshot, {BlockIndex(0), BlockCount(blocks)});
  disk_->end_snapshot();
  ASSERT_EQ(kept.size(), 280u);
  EXPECT_EQ(kept[10], std::byte{1});
  EXPECT_EQ(kept[270], std::byte{1});
  EXPECT_FALSE((*snapshot)->error());
  std::vector<std::byte> out(block_size);
  ASSERT_TRUE(disk_->read(ByteOffset(10 * block_size), out));
  EXPECT_EQ(out, bytes(block_size, 2));
}

TEST_F(Disk, usage_counts_its_maps) {
  const ByteCount before = disk_->usage().physical;
  EXPECT_GT(before, ByteCount(0)) << "their headers";
  ASSERT_TRUE(disk_->zero(ByteOffset(0), ByteCount(block_size)));
  ASSERT_TRUE(disk_->flush());
  EXPECT_GT(disk_->usage().physical, before);
}

}  // namespace
}  // namespace weft
