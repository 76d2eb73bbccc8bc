// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/direct_keeper.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"
#include "tools/qmp/qmp_client.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// A QEMU that has a mounted image open is switched to passthrough while it reads. It is
// qemu-storage-daemon: QEMU's block layer and monitor without a machine.
namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using test::TestNode;

class Switch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = weft::testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
    node_ = std::make_unique<TestNode>(TestNode::Kind::networked, keeper_.get());
    node_->import_random("web", 8, 1);
    target_ = sandbox_.directory("d");
    const auto mounted = node_->must("POST", "v1/mounts", {{"image", "web"}, {"target", target_}});
    file_ = std::string(mounted.at("file").as_string());
    if (obstacle().contains("kernel")) GTEST_SKIP() << obstacle();
    stop_recording();
  }
  /// The first boot from a complete image is recorded, and not passed through.
  void stop_recording() {
    static_cast<void>(
        node_->call("POST", "v1/mounts/record", {{"target", target_}, {"action", "stop"}}));
    EXPECT_FALSE(obstacle().contains("recorded")) << "at once: " << obstacle();
  }

  boost::json::object mount() {
    return node_->must("GET", "v1/mounts").at("mounts").at(0).as_object();
  }
  std::string obstacle() { return std::string(mount().at("passthrough").as_string()); }
  std::uint64_t reads() { return mount().at("reads").at("resident").to_number<std::uint64_t>(); }
  bool wait_until_whole() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (obstacle().contains("whole")) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(20ms);
    }
    return true;
  }
  /// Opens the image as a guest's disk would, exported by NBD so that a test can read it.
  std::unique_ptr<weft::testing::Subprocess> start_qemu(const std::string& options) {
    for (const auto& left : {qmp_, nbd_})
      ::unlink(left.c_str());
    auto qemu = std::make_unique<weft::testing::Subprocess>(std::vector<std::string>{
        "qemu-storage-daemon", "--chardev", "socket,id=m,path=" + qmp_ + ",server=on,wait=off",
        "--monitor", "m", "--blockdev",
        "driver=file,node-name=disk,read-only=on,filename=" + file_ + options, "--blockdev",
        "driver=raw,node-name=format,file=disk,read-only=on", "--nbd-server",
        "addr.type=unix,addr.path=" + nbd_, "--export",
        "type=nbd,id=e,node-name=format,name=disk,writable=off"});
    for (int i = 0; i < 400 && ::access(nbd_.c_str(), F_OK) != 0 && qemu->running(); ++i)
      std::this_thread::sleep_for(25ms);
    return qemu;
  }
  /// Compares the disk as QEMU shows it with the file it was made of.
  bool qemu_reads_well() {
    return weft::testing::run({"qemu-img", "compare", "-f", "raw", "-F", "raw",
                               "nbd:unix:" + nbd_ + ":exportname=disk",
                               node_->path("web.raw").string()})
        .status.ok();
  }
  Reply switch_qemu(const std::string& socket) {
    return node_->call("POST", "v1/mounts/switch", {{"target", target_}, {"qmp", socket}});
  }

  weft::testing::MountSandbox sandbox_;
  std::unique_ptr<fs::MountKeeper> keeper_ = fs::make_direct_mount_keeper();
  std::unique_ptr<TestNode> node_;
  std::string target_;
  std::string file_;
  const std::string qmp_ = (sandbox_.path() / "qmp").string();
  const std::string nbd_ = (sandbox_.path() / "nbd").string();
};

TEST_F(Switch, running_qemu_reads_on_without_the_node) {
  for (const char* options : {",cache.direct=on", ",cache.direct=on,aio=io_uring",
                              ",cache.direct=on,aio=native,locking=off", ",cache.direct=off", ""}) {
    const auto qemu = start_qemu(options);
    ASSERT_TRUE(qemu_reads_well()) << options << qemu->err();
    ASSERT_TRUE(wait_until_whole());
    if (mount().at("mode") != "passthrough") {
      const auto done = switch_qemu(qmp_);
      ASSERT_TRUE(done) << options << ": " << done.error().message();
      EXPECT_EQ(done->at("mode"), "passthrough");
      EXPECT_EQ(done->at("nodes"), boost::json::array{"disk"});
    } else {
      EXPECT_STRNE(options, ",cache.direct=on") << "the first is opened before the pack is whole";
    }
    const auto before = reads();
    EXPECT_TRUE(qemu_reads_well()) << options;
    EXPECT_EQ(reads(), before) << options << ": the node has seen reads";
    const auto opens = mount().at("opens").as_object();
    EXPECT_EQ(opens.at("passthrough"), 1) << options;
    EXPECT_EQ(opens.at("cached"), 0) << options;
    EXPECT_EQ(opens.at("direct"), 0) << options;
  }
}

TEST_F(Switch, mount_that_names_the_monitor_switches_it_by_itself) {
  static_cast<void>(node_->must("DELETE", "v1/mounts?target=" + target_));
  static_cast<void>(
      node_->must("POST", "v1/mounts",
                  {{"image", "web"}, {"target", target_}, {"qmp", boost::json::array{qmp_}}}));
  stop_recording();
  const auto qemu = start_qemu(",cache.direct=on");
  ASSERT_TRUE(qemu_reads_well()) << qemu->err();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (mount().at("mode") != "passthrough" && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(mount().at("mode"), "passthrough");
  EXPECT_EQ(mount().at("opens").at("direct"), 0);
  const auto before = reads();
  EXPECT_TRUE(qemu_reads_well());
  EXPECT_EQ(reads(), before);
}

TEST_F(Switch, every_refusal_says_why) {
  const auto expect = [](const Reply& reply, ExitCode exit, const char* words) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(exit_code(reply.error()), exit) << reply.error().message();
    EXPECT_TRUE(one_line(reply.error()).contains(words)) << one_line(reply.error());
  };
  ASSERT_TRUE(wait_until_whole());
  expect(switch_qemu((sandbox_.path() / "absent").string()), ExitCode::not_found, "-qmp");
  expect(switch_qemu("relative"), ExitCode::usage, "absolute");
  expect(node_->call("POST", "v1/mounts/switch", {{"target", "/nowhere"}, {"qmp", qmp_}}),
         ExitCode::not_found, "not mounted");

  const auto other = sandbox_.file("other", std::string(4096, 'x'));
  file_.swap(const_cast<std::string&>(other));
  const auto qemu = start_qemu("");
  expect(switch_qemu(qmp_), ExitCode::usage, "has no disk");
  EXPECT_TRUE(qemu->running());
}

TEST_F(Switch, file_that_another_program_keeps_cached_is_named) {
  const int held = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(held, 0);
  ASSERT_TRUE(wait_until_whole());
  const auto qemu = start_qemu(",cache.direct=on");
  const auto refused = switch_qemu(qmp_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(Errc::target_busy)) << refused.error().message();
  EXPECT_TRUE(qemu_reads_well());
  ::close(held);
}

}  // namespace
}  // namespace weft::tools
