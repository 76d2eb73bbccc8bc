// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/raw_fuse.h"
#include "tests/support/fs/subprocess.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::MountSandbox;
using testing::Subprocess;

constexpr auto patience = 20s;  // a loaded machine; nothing here takes over 2 s by itself

/// Reads `size` bytes at `offset`; true if all of them are what the image holds there.
bool reads_right(const std::string& path, std::uint64_t offset, std::size_t size) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<std::byte> data(size);
  const ssize_t n = ::pread(file.get(), data.data(), size, static_cast<off_t>(offset));
  if (n != static_cast<ssize_t>(size)) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] != testing::raw_image_byte(offset + i)) return false;
  }
  return true;
}

template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds timeout = patience) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::usleep(5000);
  }
  return true;
}

std::size_t count_descriptors(pid_t pid, std::string_view target) {
  std::size_t count = 0;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored)) {
    if (std::filesystem::read_symlink(entry.path(), ignored) == target) ++count;
  }
  return count;
}

bool waits_for_fuse(pid_t pid) {
  std::string where;
  std::ifstream("/proc/" + std::to_string(pid) + "/wchan") >> where;
  return where.contains("fuse") || where.contains("request_wait");
}

bool is_mounted(const std::string& target) {
  const auto table = MountTable::read();
  return table && table->at(target) != nullptr;
}

class SupervisorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = testing::why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
  }
  void TearDown() override {
    // Whatever the test left running: the supervisor first, so that it restarts nothing.
    if (daemon_) daemon_->kill();
    for (const pid_t worker : workers())
      ::kill(worker, SIGKILL);
  }

  void start(std::vector<std::string> options) {
    std::vector<std::string> command{WEFT_SUPERVISOR_WORKER, "supervise"};
    command.insert(command.end(), options.begin(), options.end());
    daemon_.emplace(command);
  }
  void start_and_wait(std::vector<std::string> options) {
    start(std::move(options));
    ASSERT_TRUE(daemon_->wait_for_output("ready,", patience)) << daemon_->err();
  }

  /// Pids of all workers so far, in order.
  std::vector<pid_t> workers() {
    std::vector<pid_t> pids;
    if (!daemon_) return pids;
    const std::string& text = daemon_->err();
    for (std::size_t at = 0; (at = text.find("worker ", at)) != std::string::npos; at += 7) {
      const pid_t pid = static_cast<pid_t>(std::atoi(text.c_str() + at + 7));
      if (pid > 0 && (pids.empty() || pids.back() != pid)) pids.push_back(pid);
    }
    return pids;
  }
  void kill_worker() { ::kill(workers().back(), SIGKILL); }
  [[nodiscard]] bool wait_for_successor(std::size_t generations) {
    return eventually([&] {
      static_cast<void>(daemon_->wait(10ms));
      return workers().size() >= generations;
    });
  }

  MountSandbox sandbox_;
  std::optional<Subprocess> daemon_;
};

TEST_F(SupervisorTest, serves_an_image_in_a_directory) {
  const std::string target = sandbox_.directory("target");
  start_and_wait({"--mount", "directory:" + target});
  EXPECT_TRUE(reads_right(target + "/" + testing::raw_image_name, 4097, 100'000));
  const auto table = MountTable::read();
  ASSERT_TRUE(table.has_value());
  const MountEntry* entry = table->at(target);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->type, "fuse.weft");
  EXPECT_EQ(entry->source, "weft");
  EXPECT_TRUE(entry->options.starts_with("ro,nosuid,nodev")) << entry->options;
}

TEST_F(SupervisorTest, serves_an_image_as_a_file) {
  const std::string target = sandbox_.file("disk.raw", "covered");
  start_and_wait({"--mount", "file:" + target});
  EXPECT_EQ(std::filesystem::file_size(target), testing::raw_image_size);
  EXPECT_TRUE(reads_right(target, 12345, 100'000));
  daemon_->signal(SIGTERM);
  ASSERT_TRUE(daemon_->wait(patience).has_value());
  EXPECT_EQ(std::filesystem::file_size(target), 7U);
}

TEST_F(SupervisorTest, readers_blocked_when_the_worker_is_killed_are_answered_by_its_successor) {
  const std::string target = sandbox_.directory("target");
  const std::string image = target + "/" + testing::raw_image_name;
  const std::string hold = sandbox_.file("hold");
  start_and_wait({"--mount", "directory:" + target, "--hold", hold, "--channels", "3"});

  std::vector<std::future<bool>> readers;
  for (std::uint64_t i = 0; i < 8; ++i) {
    readers.push_back(
        std::async(std::launch::async, [&, i] { return reads_right(image, i * 200'000, 4096); }));
  }
  ASSERT_TRUE(daemon_->wait_for_output("holding 8", patience)) << daemon_->err();
  for (auto& reader : readers)
    ASSERT_EQ(reader.wait_for(0s), std::future_status::timeout);

  std::filesystem::remove(hold);
  kill_worker();
  ASSERT_TRUE(wait_for_successor(2)) << daemon_->err();
  for (auto& reader : readers) {
    ASSERT_EQ(reader.wait_for(patience), std::future_status::ready) << daemon_->err();
    EXPECT_TRUE(reader.get());
  }
  EXPECT_TRUE(daemon_->err().contains("1 mounts inherited")) << daemon_->err();
}

TEST_F(SupervisorTest, an_open_descriptor_outlives_several_workers) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target});
  const UniqueFd file(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  for (std::size_t generation = 2; generation <= 4; ++generation) {
    kill_worker();
    std::byte byte{};
    EXPECT_EQ(::pread(file.get(), &byte, 1, 777), 1);  // answered by the successor
    EXPECT_EQ(byte, testing::raw_image_byte(777));
    ASSERT_TRUE(wait_for_successor(generation)) << daemon_->err();
  }
}

TEST_F(SupervisorTest, read_ahead_is_raised_and_survives_the_answer_to_init) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target});
  ASSERT_TRUE(reads_right(target, 0, 100));  // INIT has been answered
  const auto table = MountTable::read();
  ASSERT_TRUE(table.has_value());
  std::ifstream setting("/sys/class/bdi/" + table->at(target)->device.to_string() +
                        "/read_ahead_kb");
  int kib = 0;
  setting >> kib;
  EXPECT_EQ(kib, 1024);
}

TEST_F(SupervisorTest, a_crash_loop_is_slowed_down_and_recovers) {
  const std::string target = sandbox_.file("disk.raw");
  const std::string crash = sandbox_.path() / "crash";
  start_and_wait({"--mount", "file:" + target, "--crash-if", crash});
  std::ofstream(crash) << "";
  kill_worker();
  ASSERT_FALSE(daemon_->wait(1500ms).has_value()) << "gave up although a mount exists";
  // At 0, 0, 0.1, 0.3, 0.7 and 1.5 s: an unlimited loop would be at hundreds.
  EXPECT_LE(workers().size(), 8U);
  EXPECT_GE(workers().size(), 3U);
  std::filesystem::remove(crash);
  EXPECT_TRUE(reads_right(target, 5, 50));  // waits for the next worker
}

TEST_F(SupervisorTest, sigterm_stops_worker_and_unmounts) {
  const std::string target = sandbox_.directory("target");
  start_and_wait({"--mount", "directory:" + target});
  daemon_->signal(SIGTERM);
  daemon_->signal(SIGTERM);  // twice is harmless
  const auto status = daemon_->wait(patience);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->ok()) << status->code;
  EXPECT_FALSE(is_mounted(target));
  EXPECT_TRUE(daemon_->err().contains(" stops")) << daemon_->err();
}

TEST_F(SupervisorTest, stop_takes_a_busy_mount_away_and_its_readers_get_errors) {
  const std::string target = sandbox_.file("disk.raw");
  const std::string hold = sandbox_.file("hold");
  start_and_wait({"--mount", "file:" + target, "--hold", hold});
  auto reader = std::async(std::launch::async, [&] { return reads_right(target, 0, 4096); });
  ASSERT_TRUE(daemon_->wait_for_output("holding 1", patience)) << daemon_->err();
  daemon_->signal(SIGTERM);
  const auto status = daemon_->wait(patience);
  ASSERT_TRUE(status && status->ok());
  ASSERT_EQ(reader.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(reader.get());
  EXPECT_FALSE(is_mounted(target));
}

TEST_F(SupervisorTest, a_worker_that_does_not_stop_is_killed_after_the_deadline) {
  const std::string target = sandbox_.directory("target");
  start_and_wait({"--mount", "directory:" + target, "--ignore-term", "--stop-deadline", "300"});
  daemon_->signal(SIGINT);
  const auto status = daemon_->wait(patience);
  ASSERT_TRUE(status && status->ok());
  EXPECT_FALSE(is_mounted(target));
  EXPECT_EQ(::kill(workers().back(), 0), -1);
}

TEST_F(SupervisorTest, failure_to_start_is_the_exit_status_and_is_not_repeated) {
  start({"--fail", "42"});
  const auto status = daemon_->wait(patience);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(*status, (testing::ExitStatus{false, 42}));
}

TEST_F(SupervisorTest, a_mount_error_reaches_the_worker) {
  start({"--mount", "directory:" + (sandbox_.path() / "missing").string()});
  const auto status = daemon_->wait(patience);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code, 3);
  EXPECT_TRUE(daemon_->err().contains("not a usable mount target")) << daemon_->err();
}

TEST_F(SupervisorTest, umount_by_an_admin_is_noticed_and_the_descriptors_are_dropped) {
  const std::string target = sandbox_.directory("target");
  start_and_wait({"--mount", "directory:" + target, "--channels", "4"});
  EXPECT_EQ(count_descriptors(daemon_->pid(), "/dev/fuse"), 4U);
  ASSERT_EQ(::umount2(target.c_str(), 0), 0);
  EXPECT_TRUE(eventually([&] { return count_descriptors(daemon_->pid(), "/dev/fuse") == 0; }));
}

TEST_F(SupervisorTest, a_lazily_detached_mount_is_kept_until_its_last_user_is_gone) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target});
  UniqueFd file(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::umount2(target.c_str(), MNT_DETACH), 0);
  kill_worker();
  std::byte byte{};
  EXPECT_EQ(::pread(file.get(), &byte, 1, 99), 1);
  EXPECT_EQ(byte, testing::raw_image_byte(99));
  file.reset();
  EXPECT_TRUE(eventually([&] { return count_descriptors(daemon_->pid(), "/dev/fuse") == 0; }));
}

TEST_F(SupervisorTest, the_worker_goes_on_without_its_supervisor) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target});
  const pid_t worker = workers().back();
  daemon_->signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return !daemon_->running(); }));
  EXPECT_TRUE(reads_right(target, 31, 5000));
  EXPECT_EQ(::kill(worker, 0), 0);
  ::kill(worker, SIGKILL);
}

TEST_F(SupervisorTest, a_reader_of_a_worker_that_reads_nothing_can_be_killed) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target, "--mute"});
  Subprocess reader({"head", "-c", "1", target});
  ASSERT_TRUE(eventually([&] { return waits_for_fuse(reader.pid()); }));
  EXPECT_TRUE(reader.running());
  reader.signal(SIGKILL);
  EXPECT_TRUE(reader.wait(5s).has_value());
}

TEST_F(SupervisorTest, a_reader_whose_request_is_being_held_can_be_killed) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target, "--hold", sandbox_.file("hold")});
  Subprocess reader({"head", "-c", "1", target});
  ASSERT_TRUE(daemon_->wait_for_output("holding 1", patience)) << daemon_->err();
  EXPECT_TRUE(reader.running());
  reader.signal(SIGKILL);
  EXPECT_TRUE(reader.wait(5s).has_value());
}

TEST_F(SupervisorTest, a_mount_of_a_mute_worker_can_be_unmounted_by_force) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target, "--mute"});
  Subprocess reader({"head", "-c", "1", target});
  ASSERT_TRUE(eventually([&] { return waits_for_fuse(reader.pid()); }));
  ASSERT_EQ(::umount2(target.c_str(), MNT_FORCE | MNT_DETACH), 0);
  EXPECT_TRUE(reader.wait(5s).has_value());
  EXPECT_TRUE(eventually([&] { return count_descriptors(daemon_->pid(), "/dev/fuse") == 0; }));
}

TEST_F(SupervisorTest, three_hundred_mounts_are_inherited) {
  std::vector<std::string> options{"--channels", "1"};
  std::vector<std::string> targets;
  for (int i = 0; i < 300; ++i) {
    targets.push_back(sandbox_.file("disk" + std::to_string(i)));
    options.insert(options.end(), {"--mount", "file:" + targets.back()});
  }
  start(options);
  ASSERT_TRUE(daemon_->wait_for_output("ready, 300 mounts", 60s)) << daemon_->err();
  kill_worker();
  ASSERT_TRUE(daemon_->wait_for_output("ready, 300 mounts inherited", 60s)) << daemon_->err();
  EXPECT_TRUE(reads_right(targets.front(), 1, 100));
  EXPECT_TRUE(reads_right(targets.back(), 2, 100));
  daemon_->signal(SIGTERM);
  ASSERT_TRUE(daemon_->wait(60s).has_value());
  EXPECT_FALSE(is_mounted(targets[150]));
}

TEST_F(SupervisorTest, more_channels_than_fit_into_one_message) {
  const std::string target = sandbox_.file("disk.raw");
  start_and_wait({"--mount", "file:" + target, "--channels", "600"});
  EXPECT_EQ(count_descriptors(daemon_->pid(), "/dev/fuse"), 600U);
  kill_worker();
  EXPECT_TRUE(reads_right(target, 3, 100));
}

}  // namespace
}  // namespace weft::fs
