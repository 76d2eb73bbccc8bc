// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"
#include "fs/supervisor/fuse_mount.h"
#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/request_server.h"
#include "fs/supervisor/worker_link.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/raw_fuse.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace weft::fs {
namespace {

/// The supervisor's request loop in a thread, so that it can be lost at a chosen moment.
class SupervisorThread {
 public:
  SupervisorThread() : stop_(::eventfd(0, EFD_CLOEXEC)) {
    auto pair = supervision::make_socket_pair();
    worker_end_ = std::move(pair->second);
    thread_ =
        std::thread([this, socket = std::move(pair->first)]() mutable { run(std::move(socket)); });
  }
  ~SupervisorThread() { die(); }

  UniqueFd worker_end() { return std::move(worker_end_); }
  void die() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void run(UniqueFd socket) {
    MountRegistry mounts;
    supervision::RequestServer server(std::move(socket), mounts);
    for (;;) {
      pollfd fds[2] = {{stop_.get(), POLLIN, 0}, {server.descriptor(), server.events(), 0}};
      if (::poll(fds, 2, -1) < 0 || fds[0].revents != 0) return;
      server.on_event();
    }
  }

  UniqueFd stop_;
  UniqueFd worker_end_;
  std::thread thread_;
};

class SupervisorLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
  }
  static bool lose(SupervisorThread& supervisor, const WorkerLink& link) {
    supervisor.die();
    for (int i = 0; i < 2000 && link.supervised(); ++i)
      ::usleep(5000);
    return !link.supervised();
  }

  testing::MountSandbox sandbox_;
  SupervisorThread supervisor_;
  std::unique_ptr<WorkerLink> link_ = connect_mount_keeper(supervisor_.worker_end());
};

TEST_F(SupervisorLinkTest, mounts_and_unmounts_through_the_supervisor) {
  const std::string target = sandbox_.file("disk.raw");
  auto handle = link_->mount({target, TargetKind::file, "state"}, 3);
  ASSERT_TRUE(handle.has_value()) << handle.error().message();
  EXPECT_EQ(handle->channels.size(), 3U);
  EXPECT_FALSE(handle->init_request.empty());
  EXPECT_TRUE(link_->unmount(handle->key, false).has_value());
  EXPECT_EQ(MountTable::read()->at(target), nullptr);
  EXPECT_TRUE(link_->unmount(handle->key, false).error().is(Errc::not_mounted));
}

TEST_F(SupervisorLinkTest, a_busy_mount_names_its_users) {
  const std::string target = sandbox_.file("disk.raw");
  auto handle = link_->mount({target, TargetKind::file, "state"}, 1);
  ASSERT_TRUE(handle.has_value());
  const MountKey key = handle->key;
  testing::RawFuseServer server(std::move(*handle), [](std::uint64_t) { return false; });
  server.start();
  {
    const UniqueFd open(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
    const auto refused = link_->unmount(key, false);
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(refused.error().is(Errc::target_busy));
    EXPECT_TRUE(refused.error().detail.contains(std::to_string(::getpid())));
  }
  EXPECT_TRUE(link_->unmount(key, true).has_value());
  server.join();
}

TEST_F(SupervisorLinkTest, without_the_supervisor_old_mounts_are_unmounted_and_new_ones_made_here) {
  const std::string before = sandbox_.file("before");
  const std::string after = sandbox_.file("after");
  auto old_mount = link_->mount({before, TargetKind::file, "state"}, 1);
  ASSERT_TRUE(old_mount.has_value());
  ASSERT_TRUE(lose(supervisor_, *link_));

  EXPECT_TRUE(is_connected(old_mount->channels[0])) << "the worker's own descriptors keep it";
  auto new_mount = link_->mount({after, TargetKind::file, "state"}, 1);
  ASSERT_TRUE(new_mount.has_value()) << new_mount.error().message();
  EXPECT_NE(new_mount->key, old_mount->key);
  for (const auto& [handle, target] : {std::pair(&*old_mount, before), {&*new_mount, after}}) {
    EXPECT_TRUE(link_->unmount(handle->key, false).has_value());
    EXPECT_EQ(MountTable::read()->at(target), nullptr);
    EXPECT_TRUE(link_->unmount(handle->key, false).error().is(Errc::not_mounted));
  }
}

}  // namespace
}  // namespace weft::fs
