// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// An image that is indexed again, on one node, while it is mounted.
class Update : public E2eMountTest {
 protected:
  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    std::filesystem::copy_file(file_, before_);
    node_.start();
    expect_ok(node_.weft({"import", file_, "--name", "disk", "--copy"}));
    expect_ok(node_.weft({"mount", "disk", target_}));
  }
  /// Other content at `offset`, `mib` MiB of it.
  void edit(std::uint64_t offset, unsigned mib, std::uint64_t seed) {
    const auto patch = image_file("patch", mib, seed);
    const auto done = run({"dd", "if=" + patch.string(), "of=" + file_.string(), "bs=4096",
                           "seek=" + std::to_string(offset / 4096), "conv=notrunc"},
                          30s);
    ASSERT_TRUE(done.status.ok()) << done.err;
  }
  boost::json::object update() {
    return node_.query({"import", "--update", "disk"}).at("update").as_object();
  }
  [[nodiscard]] std::size_t images() const {
    return node_.query({"images"}).at("images").as_array().size();
  }

  std::filesystem::path file_ = image_file("disk.raw", 16);
  std::filesystem::path before_ = directory_ / "before.raw";
  std::filesystem::path target_ = new_directory("mnt");
  WeftNode node_{directory_ / "state"};
};

TEST_F(Update, mount_reads_the_old_version_until_it_ends_and_then_it_goes) {
  edit(4 << 20, 2, 7);
  const auto first = update();
  EXPECT_TRUE(first.at("changed").as_bool());
  EXPECT_EQ(first.at("changed_blocks").to_number<std::uint64_t>(), 512u);
  EXPECT_EQ(first.at("hashed").to_number<std::uint64_t>(), 2u << 20);
  expect_equal_files(target_ / "disk.raw", before_);
  edit(9 << 20, 1, 8);
  update();
  expect_equal_files(target_ / "disk.raw", before_);
  EXPECT_EQ(images(), 2u) << "the version in between has no user";
  expect_ok(node_.weft({"umount", target_}));
  EXPECT_TRUE(soon([this] { return images() == 1; }));
  expect_ok(node_.weft({"mount", "disk", target_}));
  expect_equal_files(target_ / "disk.raw", file_);
}

TEST_F(Update, mount_of_the_old_version_survives_a_worker_and_a_restart) {
  edit(1 << 20, 1, 9);
  update();
  const auto killed = node_.kill_worker();
  ASSERT_TRUE(node_.wait_for_new_worker(killed, 20s));
  // Another old version, whose mount ends: when it is gone the worker has looked for them.
  const auto other = new_directory("other");
  expect_ok(node_.weft({"mount", "disk", other}));
  edit(2 << 20, 1, 10);
  update();
  EXPECT_EQ(images(), 3u);
  expect_ok(node_.weft({"umount", other}));
  ASSERT_TRUE(soon([this] { return images() == 2; }));
  expect_equal_files(target_ / "disk.raw", before_);
  EXPECT_TRUE(node_.stop().ok());
  node_.start();
  expect_equal_files(target_ / "disk.raw", before_);
  expect_ok(node_.weft({"umount", target_}));
  EXPECT_TRUE(soon([this] { return images() == 1; }));
}

TEST_F(Update, unchanged_file_and_trouble_say_so) {
  const auto same = update();
  EXPECT_FALSE(same.at("changed").as_bool());
  EXPECT_EQ(same.at("hashed").to_number<std::uint64_t>(), 0u);
  EXPECT_NE(node_.weft({"import", "--update", "disk"}).out.find("unchanged: 16.0 MiB read"),
            std::string::npos);
  expect_trouble(node_.weft({"import", "--update", "nope", file_}), ExitCode::not_found, "nope");
  expect_trouble(node_.weft({"import", "--update", "disk", directory_ / "absent"}),
                 ExitCode::not_found, "absent");
  expect_trouble(node_.weft({"import", "--update", "disk", "--name", "x"}), ExitCode::usage,
                 "--update");
  expect_trouble(node_.weft({"import"}), ExitCode::usage, "FILE");
}

}  // namespace
}  // namespace weft::testing
