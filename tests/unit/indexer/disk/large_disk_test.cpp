// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/image_id.h"
#include "tests/unit/indexer/disk/disk_fixture.h"

#include <cerrno>
#include <chrono>
#include <future>

// Changes that go over the borders of a disk's chunks and regions.
namespace weft {
namespace {

using namespace std::chrono_literals;
using test::DiskCall;
using test::Fault;
using test::Survival;

class LargeDisk : public test::DiskFixture {
 protected:
  static constexpr std::uint64_t border = DiskMap::chunk_blocks;  ///< block where a chunk begins
  static constexpr std::uint64_t region = DiskMap::region_blocks;

  void SetUp() override {
    DiskFixture::SetUp();
    const auto info = store_->adopt("large", large_image()).value()->info();
    base_ = store_->image(info.id).value();
    paths_ = DiskPaths(dir_ / "large");
    ASSERT_TRUE(faulty_.make_directory(paths_.directory));
    ASSERT_TRUE(WritableDisk::make_files(faulty_, paths_, {serial(8), info.id, info.size}));
    open();
  }
  /// Nothing of it is here.
  static ImageInfo large_image() {
    ImageInfo info;
    info.size = ByteCount((border + 2 * region) * block_size);
    info.root = sha256(std::as_bytes(std::span("large", 5)));
    info.id = make_image_id(info.size, info.root);
    return info;
  }
  static std::vector<std::byte> some(std::uint64_t blocks, unsigned char fill) {
    return std::vector<std::byte>(blocks * block_size, std::byte{fill});
  }
  static ByteOffset at(std::uint64_t block) { return ByteOffset(block * block_size); }
  std::byte first_of(std::uint64_t block) {
    std::vector<std::byte> out(block_size, std::byte{0xee});
    EXPECT_TRUE(disk_->read(at(block), out));
    return out.front();
  }
  /// The live map's page of the chunk behind the border cannot be written, that before it can.
  void fail_behind_border() {
    faulty_.add({.call = DiskCall::write, .path_contains = "/live", .nth = 2, .error = ENOSPC});
  }
};

TEST_F(LargeDisk, discard_that_fails_half_way_costs_no_later_write) {
  const std::uint64_t last = border - 1;
  ASSERT_TRUE(disk_->write(at(last), some(2, 1)));
  ASSERT_TRUE(disk_->flush());
  fail_behind_border();
  EXPECT_FALSE(disk_->zero(at(last), ByteCount(2 * block_size)));
  faulty_.clear_faults();
  ASSERT_TRUE(disk_->write(at(last), some(1, 2)));
  ASSERT_TRUE(disk_->flush());
  open();  // a successor in the same boot
  EXPECT_EQ(first_of(last), std::byte{2});
  EXPECT_EQ(first_of(border), std::byte{1});
}

TEST_F(LargeDisk, write_that_fails_half_way_does_not_come_back_after_a_discard) {
  const std::uint64_t last = border - 1;
  ASSERT_TRUE(disk_->zero(at(last), ByteCount(2 * block_size)));
  fail_behind_border();
  EXPECT_FALSE(disk_->write(at(last), some(2, 1)));
  faulty_.clear_faults();
  ASSERT_TRUE(disk_->zero(at(last), ByteCount(2 * block_size)));
  open();
  EXPECT_EQ(first_of(last), std::byte{0});
  EXPECT_EQ(first_of(border), std::byte{0});
}

TEST_F(LargeDisk, zeros_over_a_border_are_zeros_on_both_sides) {
  ASSERT_TRUE(disk_->write(at(border - region), some(2 * region, 1)));
  ASSERT_TRUE(disk_->zero(at(border - region + 1), ByteCount(2 * (region - 1) * block_size)));
  EXPECT_EQ(first_of(border - region), std::byte{1});
  EXPECT_EQ(first_of(border - region + 1), std::byte{0});
  EXPECT_EQ(first_of(border), std::byte{0});
  EXPECT_EQ(first_of(border + region - 1), std::byte{1});
  EXPECT_EQ(disk_->usage().written, BlockCount(2));
}

TEST_F(LargeDisk, discard_during_a_commit_holds_up_no_write_elsewhere) {
  ASSERT_TRUE(disk_->write(at(0), some(8 * region, 1)));
  std::promise<void> reached;
  std::promise<void> go_on;
  auto may_go_on = go_on.get_future().share();
  const auto sink = [&](BlockIndex first, std::span<const std::byte>) -> Result<void> {
    if (first.value() != region) return {};
    reached.set_value();
    may_go_on.wait();
    return {};
  };
  ASSERT_TRUE(disk_->begin_snapshot(sink));
  auto discard = std::async(std::launch::async, [&] {
    return disk_->zero(at(0), ByteCount(8 * region * block_size)).has_value();
  });
  reached.get_future().wait();
  auto written = std::async(std::launch::async,
                            [&] { return disk_->write(at(7 * region), some(1, 2)).has_value(); });
  EXPECT_EQ(written.wait_for(10s), std::future_status::ready);
  go_on.set_value();
  EXPECT_TRUE(written.get());
  EXPECT_TRUE(discard.get());
  disk_->end_snapshot();
}

/// The map alone.
TEST_F(LargeDisk, page_that_could_not_be_written_is_not_taken_for_written_by_another_sync) {
  disk_.reset();
  const auto map = [&] {
    return DurableMap::open(faulty_.open(paths_.map, OpenMode::read_write).value()).value();
  };
  const auto words = [](std::uint64_t fill) {
    DiskMap::Words all;
    all.fill(fill);
    return all;
  };
  constexpr std::uint64_t all_written = 0x5555'5555'5555'5555;
  {
    DurableMap durable = map();
    ASSERT_TRUE(durable.write(0, words(all_written)));
    ASSERT_TRUE(durable.sync());
    const Fault torn{.call = DiskCall::write,
                     .path_contains = paths_.map.filename().string(),
                     .error = ENOSPC,
                     .torn_after = 1000};
    faulty_.add(torn);
    ASSERT_FALSE(durable.write(0, words(0)));
    ASSERT_TRUE(durable.write(1, words(all_written)));
    ASSERT_TRUE(durable.sync());
    faulty_.add(torn);
    ASSERT_FALSE(durable.write(0, words(0)));
  }
  DiskMap found(blocks_for(base_->info().size));
  const auto loaded = map().load(found);
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(found.place(BlockIndex(0)), DiskPlace::written) << "as of its last sync";
}

}  // namespace
}  // namespace weft
