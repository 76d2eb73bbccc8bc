// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/linked_nodes.h"

#include <cerrno>
#include <fstream>
#include <optional>
#include <thread>

#include <signal.h>
#include <sys/stat.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// A holder, a link of 80 Mbit/s, and a node that is killed in many ways.
class Crash : public LinkedNodes {
 protected:
  static constexpr unsigned mib = 24;

  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    start(file_, 80'000'000);
  }
  void mount(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"mount", "x", target_, "--peer", relay_->address()});
    expect_ok(node_.weft(flags));
  }
  /// All blocks came over the link once; what was in flight when something died may have twice.
  void expect_nothing_fetched_twice() {
    EXPECT_LT(relay_->counts().to_client, (std::uint64_t{mib} << 20) * 5 / 4);
  }

  std::filesystem::path file_ = image_file("x.raw", mib);
};

TEST_F(Crash, killed_during_import_leaves_nothing_registered_and_can_import_again) {
  const auto large = image_file("large.raw", 192, 5);
  Subprocess importing(
      {weft_binary(), "--state", node_.state(), "import", large, "--name", "large"});
  ASSERT_TRUE(soon([this] { return unfinished_files(node_) > 0; }));
  node_.kill_all();
  const auto ended = importing.wait(20s);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->ok()) << "the import was over before the kill";
  node_.start();
  EXPECT_EQ(images_of(node_), "");
  EXPECT_EQ(unfinished_files(node_), 0U);
  expect_ok(node_.weft({"import", large, "--name", "large"}));
  EXPECT_EQ(blocks_missing(node_), 0U);
}

TEST_F(Crash, killed_during_fetch_goes_on_where_it_was) {
  expect_ok(node_.weft({"materialize", "x", "--peer", relay_->address(), "--background"}));
  ASSERT_TRUE(soon([this] { return resident() > 1000; }));
  const auto before = resident();
  node_.kill_all();
  node_.start();
  EXPECT_GE(resident(), before - std::min<std::uint64_t>(before, 64));
  // The job is recorded: it goes on without being asked.
  ASSERT_TRUE(soon([this] { return blocks_missing(node_) == 0; }));
  expect_nothing_fetched_twice();
  mount();
  expect_equal_files(target_ / "x.raw", file_);
}

TEST_F(Crash, worker_killed_under_a_reader_is_replaced_and_the_reader_sees_no_error) {
  mount();
  Subprocess reader({"cmp", target_ / "x.raw", file_});
  ASSERT_TRUE(soon([this] { return resident() > 1000; }));
  for (int i = 0; i < 2; ++i) {
    const auto before = resident();
    const auto old = node_.kill_worker();
    ASSERT_TRUE(node_.wait_for_new_worker(old, 20s)) << node_.log();
    EXPECT_GE(resident(), before - std::min<std::uint64_t>(before, 64));
  }
  const auto ended = reader.wait(60s);
  ASSERT_TRUE(ended) << "the reader hangs\n" << node_.log();
  EXPECT_TRUE(ended->ok()) << reader.out() << reader.err();
  expect_nothing_fetched_twice();
}

TEST_F(Crash, stale_mount_is_replaced_when_the_daemon_comes_back) {
  mount();
  expect_equal_files(target_ / "x.raw", file_);
  node_.kill_all();
  // While the kernel takes the connection down it says ECONNABORTED.
  EXPECT_TRUE(soon([this] {
    struct ::stat ignored{};
    return ::stat((target_ / "x.raw").c_str(), &ignored) == -1 && errno == ENOTCONN;
  }));
  node_.start();
  ASSERT_TRUE(soon([this] { return std::filesystem::exists(target_ / "x.raw"); })) << node_.log();
  expect_equal_files(target_ / "x.raw", file_);
  expect_nothing_fetched_twice();
  expect_ok(node_.weft({"umount", target_}));
}

TEST_F(Crash, stale_mount_can_be_unmounted_with_the_command_alone) {
  mount();
  node_.kill_all();
  expect_ok(node_.weft({"umount", target_}));
  EXPECT_TRUE(std::filesystem::is_empty(target_));
  node_.start();
  EXPECT_TRUE(node_.query({"status"}).at("mounts").as_array().empty());
}

TEST_F(Crash, block_damaged_at_rest_is_never_served_but_fetched_again) {
  expect_ok(node_.weft({"materialize", "x", "--peer", relay_->address()}));
  EXPECT_TRUE(node_.stop().ok());
  std::filesystem::path pack;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(node_.state() / "images"))
    if (entry.path().filename() == "pack") pack = entry.path();
  ASSERT_FALSE(pack.empty());
  std::fstream damaged(pack, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(5 * 4096 + 17);
  damaged << "not what it was";
  damaged.close();
  node_.start();
  mount();
  expect_equal_files(target_ / "x.raw", file_);
}

TEST_F(Crash, dead_holder_makes_reads_wait_and_the_mount_can_still_be_ended) {
  mount();
  holder_.kill_all();
  relay_->command("reset");
  Subprocess reader({"cmp", target_ / "x.raw", file_});
  EXPECT_FALSE(reader.wait(1s)) << "a read must hold: " << reader.out() << reader.err();
  const auto status = node_.query({"status"});
  EXPECT_GT(status.at("mounts").at(0).at("waiting").as_array().size(), 0U);
  reader.signal(SIGKILL);
  EXPECT_TRUE(reader.wait(5s)) << "a waiting reader must die when it is killed";
  const auto ended = node_.weft({"umount", target_}, 5s);
  expect_ok(ended);
}

TEST_F(Crash, reads_fail_at_once_where_the_policy_says_so) {
  mount({"--policy", "eio"});
  holder_.kill_all();
  relay_->command("down");
  const auto read = run({"dd", "if=" + (target_ / "x.raw").string(), "of=/dev/null", "bs=1M"}, 15s);
  EXPECT_EQ(read.status.code, 1) << read.err;
  EXPECT_NE(read.err.find("Input/output error"), std::string::npos) << read.err;
}

}  // namespace
}  // namespace weft::testing
