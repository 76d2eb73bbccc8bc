// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"
#include "indexer/core/hash.h"
#include "tests/support/fs/wire_mount.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <optional>
#include <thread>
#include <vector>

// Writes of a guest to a disk over an image that is elsewhere.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::WireMount;

class DiskChanges : public ::testing::Test {
 protected:
  static constexpr std::size_t size = 300 * block_size;

  std::shared_ptr<WritableDisk> make_disk(std::shared_ptr<LocalImage> base, SpaceGuard* space) {
    const DiskPaths paths(dir_ / "disk");
    DiskSerial serial;
    serial.fill(std::byte{7});
    EXPECT_TRUE(files_.make_directory(paths.directory));
    EXPECT_TRUE(
        WritableDisk::make_files(files_, paths, {serial, base->info().id, base->info().size}));
    return WritableDisk::open(files_, paths, "disk", base, Digest{}, space).value();
  }
  void mount(SpaceGuard* space = nullptr, TouchLog* touches = nullptr) {
    mount_.emplace(WireMount::Options{
        .size = size,
        .disk = [this, space](auto base) { return make_disk(std::move(base), space); },
        .touches = touches});
  }
  static std::vector<std::byte> bytes(std::size_t count) {
    return std::vector<std::byte>(count, std::byte{9});
  }
  void write(std::uint64_t offset, std::size_t count) {
    mount_->wire.write(0, ++unique_, mount_->node(), offset, bytes(count));
  }
  /// Of the write: 0 or its errno.
  int answer() {
    const auto reply = mount_->wire.reply(0);
    EXPECT_TRUE(reply);
    return reply ? reply->error : -1;
  }
  [[nodiscard]] NodeBytes block_of_image(BlockIndex block) const {
    NodeBytes out;
    const auto content = mount_->image->content();
    std::memcpy(out.data(), content.data() + offset_of(block).value(), out.size());
    return out;
  }
  /// The disk holds the image with nines written over it.
  void expect_written(std::uint64_t offset, std::size_t count) {
    const BlockRange touched = blocks_touched(ByteOffset(offset), ByteCount(count));
    std::vector<std::byte> now(bytes_of(touched.count).value());
    const std::uint64_t begin = offset_of(touched.first).value();
    ASSERT_TRUE(mount_->disk->read(ByteOffset(begin), now));
    const auto content = mount_->image->content().subspan(begin, now.size());
    std::vector<std::byte> expected(content.begin(), content.end());
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(offset - begin), count,
                std::byte{9});
    EXPECT_TRUE(now == expected);
  }

  const test::TempDirectory dir_;
  test::FaultyFileSystem files_;
  std::uint64_t unique_ = 100;
  std::optional<WireMount> mount_;
};

TEST_F(DiskChanges, write_of_parts_of_two_missing_blocks_waits_for_both) {
  mount();
  mount_->fetcher.deliver();
  write(100, 3 * block_size);
  EXPECT_EQ(answer(), 0);
  EXPECT_EQ(mount_->fetcher.reads(), 2U);
  expect_written(100, 3 * block_size);
  EXPECT_EQ(mount_->reads.changes().waited, 1U);
  EXPECT_EQ(mount_->reads.changes().written, ByteCount(3 * block_size));
}

TEST_F(DiskChanges, blocks_that_cannot_be_stored_are_asked_for_once_each) {
  mount();
  mount_->fetcher.deliver_loose([this](BlockIndex block) { return block_of_image(block); });
  write(100, 3 * block_size);
  EXPECT_EQ(answer(), 0);
  EXPECT_EQ(mount_->fetcher.reads(), 2U);
}

TEST_F(DiskChanges, what_a_waiting_write_changes_whole_is_written_at_once) {
  mount();
  mount_->fetcher.hold();
  write(100, 3 * block_size);
  ASSERT_TRUE(mount_->fetcher.wait_for_waiting(1));
  EXPECT_TRUE(mount_->disk->readable({BlockIndex(1), BlockCount(2)}))
      << "and need not be kept in memory";
  EXPECT_FALSE(mount_->disk->readable({BlockIndex(0), BlockCount(1)}));
  mount_->fetcher.deliver();
  EXPECT_EQ(answer(), 0);
  expect_written(100, 3 * block_size);
}

TEST_F(DiskChanges, full_store_is_told_before_anything_is_fetched) {
  SpaceGuard space(files_, dir_.path(), ByteCount(std::uint64_t{1} << 62));
  mount(&space);
  mount_->fetcher.deliver();
  write(100, 3 * block_size);
  EXPECT_EQ(answer(), ENOSPC);
  EXPECT_EQ(mount_->fetcher.reads(), 0U);
  EXPECT_EQ(mount_->reads.changes().failed, 1U);
}

TEST_F(DiskChanges, write_that_waits_when_the_service_closes_is_left_to_a_successor) {
  mount();
  write(100, 3 * block_size);
  ASSERT_TRUE(mount_->fetcher.wait_for_waiting(1));
  std::promise<void> looks;
  // While it looks at the second of the two blocks that it needs.
  mount_->image->on_next_read([&] {
    mount_->fetcher.hold();
    looks.set_value();
    std::this_thread::sleep_for(50ms);
  });
  mount_->fetcher.deliver_loose([this](BlockIndex block) { return block_of_image(block); });
  looks.get_future().wait();
  mount_->reads.close();
  EXPECT_FALSE(mount_->wire.reply(0, 300ms)) << "the kernel sends it again";
  EXPECT_EQ(mount_->reads.changes().failed, 0U);
}

TEST_F(DiskChanges, what_a_guest_wrote_is_no_part_of_a_boot_profile) {
  TouchLog touches(BlockCount(300));
  mount(nullptr, &touches);
  mount_->fetcher.deliver();
  write(10 * block_size, 2 * block_size);
  ASSERT_EQ(answer(), 0);
  touches.start();
  mount_->wire.read(0, ++unique_, mount_->node(), 8 * block_size, 6 * block_size);
  ASSERT_EQ(answer(), 0);
  std::vector<BlockRange> noted;
  for (const TouchLog::Touch& touch : touches.take())
    noted.push_back(touch.range);
  EXPECT_EQ(noted, (std::vector{BlockRange{BlockIndex(8), BlockCount(2)},
                                BlockRange{BlockIndex(12), BlockCount(2)}}));
}

}  // namespace
}  // namespace weft::fs
