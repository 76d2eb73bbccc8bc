// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <fstream>

namespace weft::testing {
namespace {

class BadTarget : public E2eMountTest {
 protected:
  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    node_.start();
    expect_ok(node_.weft({"import", image_file("x.raw", 1), "--name", "x"}));
  }
  Finished mount(const std::filesystem::path& target, const std::string& image = "x") {
    return node_.weft({"mount", image, target});
  }
  [[nodiscard]] std::size_t mounts() const {
    return node_.query({"status"}).at("mounts").as_array().size();
  }
  WeftNode node_{directory_ / "a" / "state"};
};

TEST_F(BadTarget, directory_that_is_not_empty_keeps_its_files) {
  const auto target = new_directory("a/full");
  std::ofstream(target / "mine") << "kept";
  expect_trouble(mount(target), ExitCode::not_found, "not empty");
  EXPECT_TRUE(std::filesystem::exists(target / "mine"));
  EXPECT_EQ(mounts(), 0U);
}

TEST_F(BadTarget, missing_one_is_named) {
  expect_trouble(mount(directory_ / "a" / "nowhere"), ExitCode::not_found, "nowhere");
  EXPECT_EQ(mounts(), 0U);
}

TEST_F(BadTarget, mounted_already_is_refused_and_the_first_mount_goes_on) {
  const auto target = new_directory("a/mnt");
  expect_ok(mount(target));
  expect_trouble(mount(target), ExitCode::exists, "mounted");
  expect_equal_files(target / "x.raw", directory_ / "x.raw");
  expect_ok(node_.weft({"umount", target}));
  EXPECT_EQ(mounts(), 0U);
}

TEST_F(BadTarget, unknown_image_mounts_nothing) {
  const auto target = new_directory("a/mnt");
  expect_trouble(mount(target, "nobody"), ExitCode::not_found, "nobody");
  EXPECT_TRUE(std::filesystem::is_empty(target));
  EXPECT_EQ(mounts(), 0U);
}

TEST_F(BadTarget, image_that_is_mounted_cannot_be_removed) {
  const auto target = new_directory("a/mnt");
  expect_ok(mount(target));
  expect_trouble(node_.weft({"rm", "x"}), ExitCode::busy, "x");
  expect_equal_files(target / "x.raw", directory_ / "x.raw");
}

TEST_F(BadTarget, nothing_mounted_there_is_told) {
  expect_trouble(node_.weft({"umount", new_directory("a/mnt")}), ExitCode::not_found,
                 "not mounted");
}

}  // namespace
}  // namespace weft::testing
