// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <sys/mount.h>

namespace weft::testing {
namespace {

/// A node whose state directory is on a file system of 32 MiB, of which blocks must leave 4 MiB
/// free.
class DiskFull : public E2eMountTest {
 protected:
  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    new_directory("small");
    ASSERT_EQ(::mount("none", (directory_ / "small").c_str(), "tmpfs", 0, "size=32m"), 0);
    node_.emplace(directory_ / "small" / "state",
                  std::vector<std::string>{"--free-space-floor", "4MiB"});
    node_->start();
  }
  void TearDown() override {
    node_.reset();
    unmount_below(directory_ / "small");
  }
  std::filesystem::path large_ = image_file("large.raw", 48);
  std::optional<WeftNode> node_;
};

TEST_F(DiskFull, import_says_so_registers_nothing_and_gives_the_space_back) {
  expect_trouble(node_->weft({"import", large_, "--name", "large"}), ExitCode::no_space, "space");
  EXPECT_EQ(images_of(*node_), "");
  EXPECT_EQ(unfinished_files(*node_), 0U);
  expect_ok(node_->weft({"import", image_file("fits.raw", 16, 2), "--name", "fits"}));
}

TEST_F(DiskFull, reads_of_a_mount_are_answered_all_the_same) {
  WeftNode holder(directory_ / "holder" / "state");
  holder.start();
  expect_ok(holder.weft({"import", large_, "--name", "large"}));
  const auto target = new_directory("mnt/of/node");
  expect_ok(node_->weft({"mount", "large", target, "--peer", holder.address()}));
  for (int i = 0; i < 2; ++i)
    expect_equal_files(target / "large.raw", large_);
  const auto status = node_->query({"status"});
  EXPECT_EQ(status.at("mounts").at(0).at("reads").at("failed"), 0);
  EXPECT_GT(blocks_missing(*node_), 0U) << "the disk was not full at all";
  // What is known of an image is kept below the floor too: its tree, 1/128 of it, and the catalog.
  EXPECT_GE(status.at("disk").at("free").to_number<std::uint64_t>(), std::uint64_t{3} << 20)
      << "the floor was not kept";
  expect_ok(node_->weft({"umount", target}));
}

}  // namespace
}  // namespace weft::testing
