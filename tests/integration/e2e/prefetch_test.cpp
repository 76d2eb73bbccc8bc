// SPDX-License-Identifier: Apache-2.0
// What a mount fetches although nobody reads.
#include "tests/integration/e2e/linked_nodes.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// A holder of a disk with an ext4 file system: a kernel of 8 MiB, and 16 MiB that no boot reads.
class Prefetch : public LinkedNodes {
 protected:
  static constexpr std::uint64_t kernel_blocks = 2048;

  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    write("boot/vmlinuz", 8, 1);
    write("srv/data", 16, 2);
    const auto made = run({"/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d",
                           directory_ / "root", directory_ / "disk", "64M"},
                          60s);
    ASSERT_TRUE(made.status.ok()) << made.err;
    start(directory_ / "disk", 40'000'000);
  }
  void write(const std::string& path, unsigned mib, std::uint64_t seed) {
    std::filesystem::create_directories((directory_ / "root" / path).parent_path());
    std::filesystem::copy_file(image_file("part", mib, seed), directory_ / "root" / path);
    std::filesystem::remove(directory_ / "part");
  }
  [[nodiscard]] Finished mount(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> all{"mount", "x", target_, "--peer", relay_->address()};
    all.insert(all.end(), flags.begin(), flags.end());
    return node_.weft(all);
  }
};

TEST_F(Prefetch, a_mount_fetches_what_a_boot_needs_and_not_the_rest) {
  expect_ok(mount());
  EXPECT_TRUE(soon([this] { return resident() >= kernel_blocks; }));
  std::this_thread::sleep_for(1s);
  EXPECT_LT(resident(), kernel_blocks + 1024) << "the data nobody needs stays away";
}

TEST_F(Prefetch, off_fetches_nothing) {
  expect_ok(mount({"--prefetch", "off"}));
  std::this_thread::sleep_for(2s);
  EXPECT_LT(resident(), 64U);
}

TEST_F(Prefetch, all_goes_on_with_the_rest) {
  expect_ok(mount({"--prefetch", "all"}));
  EXPECT_TRUE(soon([this] { return blocks_missing(node_) == 0; }));
}

TEST_F(Prefetch, goes_on_in_the_next_worker) {
  expect_ok(mount());
  ASSERT_TRUE(soon([this] { return resident() > 100; }));
  const pid_t old = node_.kill_worker();
  ASSERT_TRUE(node_.wait_for_new_worker(old, 20s));
  ASSERT_LT(resident(), kernel_blocks) << "it was over before the worker ended";
  expect_ok(node_.weft({"peers", "add", relay_->address()}));
  EXPECT_TRUE(soon([this] { return resident() >= kernel_blocks; }));
}

TEST_F(Prefetch, off_stays_off_in_the_next_worker) {
  expect_ok(mount({"--prefetch", "off"}));
  const pid_t old = node_.kill_worker();
  ASSERT_TRUE(node_.wait_for_new_worker(old, 20s));
  std::this_thread::sleep_for(2s);
  EXPECT_LT(resident(), 64U);
}

TEST_F(Prefetch, flags_that_contradict_each_other_are_refused) {
  expect_trouble(mount({"--materialize", "--prefetch", "boot"}), ExitCode::usage, "give one");
  expect_trouble(mount({"--prefetch", "some"}), ExitCode::bad_config,
                 "off, boot, all or sequential");
}

}  // namespace
}  // namespace weft::testing
