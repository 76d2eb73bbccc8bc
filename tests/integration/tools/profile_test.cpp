// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/direct_keeper.h"
#include "indexer/core/digest.h"
#include "indexer/core/unique_fd.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace weft::tools {
namespace {

using Blocks = std::vector<std::uint64_t>;
using test::TestNode;

/// `count` of the first `blocks` blocks, each once, in no order.
Blocks scattered(std::uint64_t blocks, std::size_t count, std::uint64_t seed) {
  Blocks all(blocks);
  for (std::uint64_t i = 0; i < blocks; ++i)
    all[i] = i;
  std::ranges::shuffle(all, std::mt19937_64(seed));
  all.resize(count);
  return all;
}

/// As a guest with cache=none does: each block is a request of its own.
void read_blocks(const std::string& file, const Blocks& blocks) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  ASSERT_GE(fd.get(), 0) << file;
  const std::unique_ptr<void, decltype(&std::free)> page(std::aligned_alloc(4096, 4096), std::free);
  for (const std::uint64_t block : blocks) {
    ASSERT_EQ(::pread(fd.get(), page.get(), 4096, static_cast<off_t>(block * 4096)), 4096);
  }
}

Blocks blocks_of(const boost::json::object& profile) {
  Blocks blocks;
  for (const auto& entry : profile.at("entries").as_array())
    blocks.push_back(entry.at("block").to_number<std::uint64_t>());
  return blocks;
}

/// An image of 8 MiB at `origin`, booted on `near`, which has it from there.
class Profiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = weft::testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
    origin_ = std::make_unique<TestNode>(TestNode::Kind::networked);
    origin_->import_random("web", 8, 1);
    near_ = std::make_unique<TestNode>(TestNode::Kind::networked, keeper_.get());
  }
  std::string mount(TestNode& node, TestNode& peer, const std::string& target) {
    const auto mounted = node.must(
        "POST", "v1/mounts",
        {{"image", "web"}, {"target", target}, {"peers", boost::json::array{peer.address()}}});
    return std::string(mounted.at("file").as_string());
  }
  void boot(const Blocks& blocks) {
    const auto target = sandbox_.directory("vm");
    read_blocks(mount(*near_, *origin_, target), blocks);
    (void)near_->must("DELETE", "v1/mounts?target=" + target);
  }
  static boost::json::object profile_of(TestNode& node, const std::string& image) {
    return node.must("GET", "v1/profiles/" + image + "?entries=100000");
  }

  weft::testing::MountSandbox sandbox_;
  std::unique_ptr<fs::MountKeeper> keeper_ = fs::make_direct_mount_keeper();
  std::unique_ptr<TestNode> origin_;
  std::unique_ptr<TestNode> near_;
};

TEST_F(Profiles, boot_from_a_lazy_mount_is_recorded_in_its_order) {
  const Blocks order = scattered(2048, 300, 7);
  boot(order);
  const auto profile = profile_of(*near_, "web");
  EXPECT_EQ(blocks_of(profile), order);
  EXPECT_EQ(profile.at("own"), true);
  EXPECT_EQ(profile.at("boots"), 1);
  EXPECT_EQ(profile.at("recorded"), 1);
  EXPECT_EQ(profile.at("here").to_number<std::uint64_t>(), 300 * 4096u);
}

TEST_F(Profiles, second_boot_is_merged) {
  Blocks order = scattered(2048, 300, 7);
  boot(order);
  order[5] = 2047;
  boot(order);
  const auto profile = profile_of(*near_, "web");
  EXPECT_EQ(profile.at("boots"), 2);
  EXPECT_GE(profile.at("blocks").to_number<std::size_t>(), 300u);
  EXPECT_GE(profile.at("in_every_boot").to_number<std::size_t>(), 299u);
}

TEST_F(Profiles, glance_and_copy_are_no_boots) {
  boot(scattered(2048, 255, 7));
  EXPECT_FALSE(near_->call("GET", "v1/profiles/web"));
  const auto target = sandbox_.directory("copied");
  EXPECT_EQ(test::read_file(mount(*near_, *origin_, target)).size(), 8u << 20);
  (void)near_->must("DELETE", "v1/mounts?target=" + target);
  const auto none = near_->call("GET", "v1/profiles/web");
  ASSERT_FALSE(none);
  EXPECT_EQ(exit_code(none.error()), ExitCode::not_found);
}

TEST_F(Profiles, what_is_recorded_by_hand_is_kept_whatever_it_is) {
  const auto target = sandbox_.directory("vm");
  const auto file = mount(*near_, *origin_, target);
  const auto record = [&](const char* action) {
    return near_->call("POST", "v1/mounts/record", {{"target", target}, {"action", action}});
  };
  read_blocks(file, {1, 2, 3});
  ASSERT_TRUE(record("start"));
  EXPECT_EQ(near_->must("GET", "v1/mounts").at("mounts").at(0).at("recording").at("by_hand"), true);
  read_blocks(file, {9, 2});
  const auto stopped = record("stop");
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->at("blocks"), 2);
  EXPECT_EQ(blocks_of(profile_of(*near_, "web")), (Blocks{9, 2}));
  const auto again = record("stop");
  ASSERT_FALSE(again);
  EXPECT_EQ(exit_code(again.error()), ExitCode::usage) << "nothing is being recorded";
  EXPECT_FALSE(near_->call("POST", "v1/mounts/record", {{"target", "/x"}, {"action", "start"}}));
}

TEST_F(Profiles, node_that_mounts_the_image_gets_the_profile_from_its_peer_and_fetches_by_it) {
  const Blocks order = scattered(2048, 300, 7);
  boot(order);
  TestNode far(TestNode::Kind::networked, keeper_.get());
  const auto target = sandbox_.directory("far");
  (void)mount(far, *near_, target);
  Result<boost::json::object> profile = fail(Errc::not_resident, Operation::none);
  for (int i = 0; i < 200 && !profile; ++i) {
    profile = far.call("GET", "v1/profiles/web?entries=100000");
    if (!profile) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(profile) << "it did not come within 10 s";
  EXPECT_EQ(blocks_of(*profile), order);
  EXPECT_EQ(profile->at("from_peer"), true);
  const auto all = order.size() * block_size;
  for (int i = 0; i < 200 && profile->at("here") != all; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    profile = far.must("GET", "v1/profiles/web");
  }
  EXPECT_EQ(profile->at("here"), all);
  (void)far.must("DELETE", "v1/mounts?target=" + target);
}

TEST_F(Profiles, relative_that_was_never_booted_gets_it_by_digest) {
  const Blocks order = scattered(2048, 300, 7);
  boot(order);
  // The same blocks, one place further on, behind a new one.
  const auto old = test::read_file(origin_->path("web.raw"));
  std::vector<std::byte> moved = test::random_blocks(BlockCount(1), 99);
  moved.insert(moved.end(), old.begin(), old.end());
  const auto file = near_->path("web2.raw");
  test::write_file(file, moved);
  (void)near_->must("POST", "v1/images", {{"file", file.string()}, {"name", "web2"}});
  const auto profile = profile_of(*near_, "web2");
  EXPECT_EQ(profile.at("own"), false);
  EXPECT_EQ(profile.at("held"), 1.0);
  EXPECT_EQ(profile.at("recorded_for"), near_->must("GET", "v1/images/web").at("id"));
  EXPECT_EQ(blocks_of(profile), order) << "as recorded: places are those of the other image";
}

TEST_F(Profiles, exported_profile_is_imported_elsewhere_and_outlives_its_image) {
  boot(scattered(2048, 300, 7));
  const auto before = profile_of(*near_, "web");
  const auto exported = near_->must("GET", "v1/profiles/web/export");
  std::vector<std::byte> bytes(exported.at("data").as_string().size() / 2);
  ASSERT_TRUE(from_hex(std::string(exported.at("data").as_string()), bytes));
  TestNode other(TestNode::Kind::store_only);
  const auto file = other.path("web.profile");
  test::write_file(file, bytes);
  (void)other.must("POST", "v1/profiles", {{"file", file.string()}});
  const std::string id(before.at("image").as_string());
  const auto after = profile_of(other, id);
  EXPECT_EQ(blocks_of(after), blocks_of(before));
  EXPECT_EQ(after.at("imported"), 1);
  EXPECT_EQ(other.must("GET", "v1/profiles").at("profiles").as_array().size(), 1u);

  (void)near_->must("DELETE", "v1/images/web");
  EXPECT_EQ(blocks_of(profile_of(*near_, id)), blocks_of(before));
  (void)near_->must("DELETE", "v1/profiles/" + id);
  EXPECT_FALSE(near_->call("GET", "v1/profiles/" + id));
  EXPECT_FALSE(near_->call("DELETE", "v1/profiles/" + id));
}

TEST_F(Profiles, damaged_file_is_refused_as_bad_input) {
  const auto file = near_->path("bad.profile");
  test::write_file(file, test::random_blocks(BlockCount(1), 3));
  const auto refused = near_->call("POST", "v1/profiles", {{"file", file.string()}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(exit_code(refused.error()), ExitCode::bad_input) << refused.error().message();
}

}  // namespace
}  // namespace weft::tools
