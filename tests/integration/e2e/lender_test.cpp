// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

// A local image that goes or changes under a mount that borrows from it: never a wrong byte; what
// cannot be had here any more comes from a peer.
namespace weft::testing {
namespace {

namespace stdfs = std::filesystem;

/// `disk` shares all but its last MiB with `base`, which is on this node, in place.
class LenderTest : public E2eMountTest {
 protected:
  static constexpr std::uint64_t blocks = 8 * 256;
  static constexpr std::uint64_t own_blocks = 256;

  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    auto bytes = test::random_blocks(BlockCount(blocks), 1);
    test::write_file(base_, bytes);
    test::fill_random(std::span(bytes).last(own_blocks * block_size), 2);
    test::write_file(disk_, bytes);
    holder_.start();
    expect_ok(holder_.weft({"import", disk_, "--name", "disk"}));
    node_.start();
    expect_ok(node_.weft({"import", base_, "--name", "base", "--in-place"}));
    mount();
    expect_ok(node_.weft({"materialize", "disk"}));
    ASSERT_EQ(blocks_of("borrowed"), blocks - own_blocks);
  }
  void mount() { expect_ok(node_.weft({"mount", "disk", target_, "--peer", holder_.address()})); }
  [[nodiscard]] std::uint64_t blocks_of(std::string_view kind) const {
    const auto shown = node_.query({"show", "disk"});
    return shown.at("blocks").at(kind).to_number<std::uint64_t>();
  }
  void edit_base(std::uint64_t first, std::uint64_t count) {
    const auto other = test::random_blocks(BlockCount(count), 3);
    std::fstream file(base_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(first * block_size));
    for (const std::byte byte : other)
      file.put(static_cast<char>(byte));
  }
  void expect_served(std::uint64_t fetched) {
    expect_equal_files(target_ / "disk.raw", disk_);
    EXPECT_EQ(blocks_of("resident"), own_blocks + fetched);
    EXPECT_EQ(blocks_of("missing"), 0u);
  }

  stdfs::path base_ = directory_ / "base.raw";
  stdfs::path disk_ = directory_ / "disk.raw";
  stdfs::path target_ = new_directory("node/mnt");
  WeftNode holder_{directory_ / "holder" / "state"};
  /// For passthrough it would copy what is borrowed into its own pack.
  WeftNode node_{directory_ / "node" / "state", {"--passthrough", "off"}};
};

TEST_F(LenderTest, file_edited_under_the_mount_never_shows_through) {
  edit_base(100, 40);
  expect_served(40);
}

TEST_F(LenderTest, file_edited_after_it_was_read_through_the_mount_does_not_either) {
  expect_served(0);
  edit_base(300, 25);
  // Without what the kernel keeps of it.
  expect_ok(node_.weft({"umount", target_}));
  mount();
  expect_served(25);
}

TEST_F(LenderTest, file_cut_short_and_deleted_under_the_mount_is_fetched_instead) {
  stdfs::resize_file(base_, 1000 * block_size);
  stdfs::remove(base_);
  expect_served(blocks - own_blocks - 1000);
}

TEST_F(LenderTest, file_deleted_while_the_node_is_down_is_fetched_instead) {
  EXPECT_TRUE(node_.stop().ok());
  stdfs::remove(base_);
  node_.start();
  expect_served(blocks - own_blocks);
}

TEST_F(LenderTest, image_removed_under_the_mount_leaves_its_blocks) {
  expect_ok(node_.weft({"rm", "base"}));
  stdfs::remove(base_);
  EXPECT_TRUE(holder_.stop().ok());
  expect_equal_files(target_ / "disk.raw", disk_);
  EXPECT_EQ(blocks_of("missing"), 0u);
}

}  // namespace
}  // namespace weft::testing
