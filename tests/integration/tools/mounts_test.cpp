// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/direct_keeper.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using test::TestNode;

class Mounts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = weft::testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
    node_ = std::make_unique<TestNode>(TestNode::Kind::networked, keeper_.get());
    node_->import_random("web", 1, 1);
  }
  Reply mount(const std::string& image, const std::string& target) {
    return node_->call("POST", "v1/mounts", {{"image", image}, {"target", target}});
  }
  Reply umount(const std::string& target) {
    return node_->call("DELETE", "v1/mounts?target=" + target);
  }

  // The sandbox is destroyed last: it detaches what a failed test left.
  weft::testing::MountSandbox sandbox_;
  std::unique_ptr<fs::MountKeeper> keeper_ = fs::make_direct_mount_keeper();
  std::unique_ptr<TestNode> node_;
};

TEST_F(Mounts, image_appears_in_a_directory_or_as_a_file_and_goes) {
  const auto content = test::read_file(node_->path("web.raw"));
  const auto directory = sandbox_.directory("d");
  const auto file = sandbox_.file("f", "x");
  for (const auto& target : {directory, file}) {
    const auto mounted = mount("web", target);
    ASSERT_TRUE(mounted) << mounted.error().message();
    EXPECT_EQ(test::read_file(std::string(mounted->at("file").as_string())), content);
  }
  EXPECT_EQ(node_->must("GET", "v1/mounts").at("mounts").as_array().size(), 2u);
  for (const auto& target : {directory, file})
    EXPECT_TRUE(umount(target));
  EXPECT_EQ(test::read_file(file).size(), 1u);
  EXPECT_TRUE(node_->must("GET", "v1/mounts").at("mounts").as_array().empty());
}

TEST_F(Mounts, every_refusal_has_its_exit_code) {
  const auto target = sandbox_.directory("d");
  ASSERT_TRUE(mount("web", target));
  const auto full = sandbox_.directory("full");
  sandbox_.file("full/something");
  const auto expect = [](const Reply& reply, ExitCode exit) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(exit_code(reply.error()), exit) << reply.error().message();
  };
  expect(mount("web", target), ExitCode::exists);
  expect(mount("nope", sandbox_.directory("e")), ExitCode::not_found);
  expect(mount("web", full), ExitCode::not_found);
  expect(mount("web", (sandbox_.path() / "absent").string()), ExitCode::not_found);
  expect(mount("web", node_->options().config.state.string()), ExitCode::not_found);
  expect(umount(full), ExitCode::not_found);
  expect(node_->call("DELETE", "v1/images/web"), ExitCode::busy);
  expect(node_->call("POST", "v1/mounts", {{"image", "web"}, {"target", full}, {"policy", "wait"}}),
         ExitCode::bad_config);
  EXPECT_TRUE(umount(target));
  EXPECT_TRUE(node_->call("DELETE", "v1/images/web"));
}

TEST_F(Mounts, come_back_with_the_node_until_they_are_unmounted) {
  const auto content = test::read_file(node_->path("web.raw"));
  const auto target = sandbox_.directory("d");
  ASSERT_TRUE(mount("web", target));
  node_->restart();
  EXPECT_EQ(test::read_file(target + "/web.raw"), content);
  ASSERT_TRUE(umount(target));
  node_->restart();
  EXPECT_TRUE(node_->must("GET", "v1/mounts").at("mounts").as_array().empty());
  EXPECT_FALSE(std::filesystem::exists(target + "/web.raw"));
}

TEST_F(Mounts, a_stopped_node_leaves_the_target_free) {
  const auto target = sandbox_.directory("d");
  ASSERT_TRUE(mount("web", target));
  node_->stop();
  EXPECT_TRUE(std::filesystem::is_empty(target));
}

}  // namespace
}  // namespace weft::tools
