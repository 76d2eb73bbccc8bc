// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/weft_node.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

// Writable disks as their users have them: a node with an image, another one with a disk over it.
namespace weft::testing {
namespace {

using namespace std::chrono_literals;

class DiskTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t blocks = 64 * 256;  // 64 MiB

  void SetUp() override {
    if (const auto why = why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
    auto bytes = test::random_blocks(BlockCount(blocks), 1);
    std::fill_n(bytes.begin(), 1 << 20, std::byte{0});
    base_ = (sandbox_.path() / "base.raw").string();
    test::write_file(base_, bytes);
    a_.start();
    b_.start();
    must(a_, {"import", base_, "--name", "base"});
    must(b_, {"disk", "create", "vm", "--image", "base", "--peer", a_.address()});
    must(b_, {"mount", "vm", target_});
  }
  void TearDown() override { unmount_below(sandbox_.path()); }

  static Finished must(const WeftNode& node, std::vector<std::string> arguments) {
    auto done = node.weft(std::move(arguments));
    EXPECT_TRUE(done.status.ok()) << done.err;
    return done;
  }
  [[nodiscard]] std::string file() const { return target_ + "/vm.raw"; }
  std::vector<std::string> fio(const std::string& name, std::vector<std::string> more) const {
    std::vector<std::string> line{"fio",           "--name=" + name,  "--filename=" + file(),
                                  "--size=64M",    "--verify=crc32c", "--verify_fatal=1",
                                  "--do_verify=1", "--randseed=7"};
    line.insert(line.end(), more.begin(), more.end());
    return line;
  }

  MountSandbox sandbox_;
  WeftNode a_{sandbox_.path() / "a"};
  WeftNode b_{sandbox_.path() / "b"};
  std::string base_;
  const std::string target_ = sandbox_.directory("target");
};

TEST_F(DiskTest, random_writes_of_any_size_over_an_image_elsewhere_read_back) {
  for (const auto& way : {std::vector<std::string>{"--ioengine=psync", "--fsync=40"},
                          {"--ioengine=libaio", "--direct=1", "--iodepth=16"},
                          {"--ioengine=io_uring", "--direct=1", "--iodepth=16"}}) {
    const bool direct = way.size() == 3 && way[1] == "--direct=1";
    auto line = fio(way.front().substr(11), {"--rw=randwrite", "--io_size=24M",
                                             direct ? "--bsrange=4k-256k" : "--bsrange=512-100k"});
    line.insert(line.end(), way.begin(), way.end());
    const auto done = run(line, 120s);
    EXPECT_TRUE(done.status.ok()) << way.front() << done.out << done.err;
  }
}

TEST_F(DiskTest, killed_worker_costs_its_writer_nothing) {
  Subprocess writer(fio("kill", {"--rw=randwrite", "--io_size=64M", "--loops=2", "--bs=16k",
                                 "--ioengine=libaio", "--direct=1", "--iodepth=8", "--fsync=16"}));
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(writer.wait(500ms));
    const auto old = b_.kill_worker();
    ASSERT_TRUE(b_.wait_for_new_worker(old, 20s)) << b_.log();
  }
  const auto ended = writer.wait(120s);
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->ok()) << writer.out() << writer.err();
}

TEST_F(DiskTest, all_processes_killed_leave_every_write_that_returned) {
  ASSERT_TRUE(run({"fio", "--name=w", "--filename=" + file(), "--size=64M", "--rw=randwrite",
                   "--io_size=8M", "--bs=4k", "--randseed=3", "--ioengine=psync"},
                  60s)
                  .status.ok());
  const auto before = test::read_file(file());
  b_.kill_all();
  unmount_below(sandbox_.path());
  b_.start();
  EXPECT_TRUE(test::read_file(file()) == before) << b_.log();
}

TEST_F(DiskTest, qemu_writes_discards_and_flushes_in_every_cache_mode) {
  for (const auto& way : {std::vector<std::string>{"-n", "-i", "native", "-t", "none"},
                          {"-n", "-i", "io_uring", "-t", "none"},
                          {"-t", "writeback"},
                          {"-t", "directsync"}}) {
    std::vector<std::string> line{"qemu-img", "bench", "-w", "-f", "raw",
                                  "-c",       "500",   "-d", "16", "--flush-interval=64",
                                  "-s",       "8k"};
    const bool flushes = way.back() != "directsync";
    if (!flushes) std::erase(line, std::string("--flush-interval=64"));
    line.insert(line.end(), way.begin(), way.end());
    line.push_back(file());
    const auto done = run(line, 60s);
    EXPECT_TRUE(done.status.ok()) << way.back() << done.out << done.err;
  }
  const auto changed = run({"qemu-io",
                            "-f",
                            "raw",
                            "-d",
                            "unmap",
                            "-t",
                            "none",
                            "-c",
                            "write -P 7 1M 2M",
                            "-c",
                            "discard 2M 64k",
                            "-c",
                            "write -z 3072 5000",
                            "-c",
                            "write -z -u 1M 64k",
                            "-c",
                            "flush",
                            "-c",
                            "read -P 7 1088k 900k",
                            "-c",
                            "read -P 0 2M 64k",
                            "-c",
                            "read -P 0 1M 64k",
                            file()});
  EXPECT_TRUE(changed.status.ok()) << changed.err;
  EXPECT_EQ(changed.out.find("failed"), std::string::npos) << changed.out;
}

TEST_F(DiskTest, size_and_names_cannot_be_changed) {
  EXPECT_FALSE(run({"truncate", "-s", "1M", file()}).status.ok());
  EXPECT_FALSE(run({"sh", "-c", ": > " + file()}).status.ok());
  EXPECT_TRUE(run({"truncate", "-s", "64M", file()}).status.ok());
  EXPECT_TRUE(run({"touch", file()}).status.ok());
  EXPECT_FALSE(run({"rm", file()}).status.ok());
  EXPECT_FALSE(run({"fallocate", "-l", "65M", file()}).status.ok());
  const auto second = b_.weft({"mount", "vm", sandbox_.directory("second")});
  EXPECT_EQ(second.status.code, 5) << second.err;
  EXPECT_EQ(b_.weft({"disk", "rm", "vm"}).status.code, 5);
  EXPECT_EQ(b_.weft({"rm", "base"}).status.code, 5);
}

TEST_F(DiskTest, commit_is_at_once_available_to_a_peer_and_costs_it_what_was_changed) {
  must(a_, {"peers", "add", b_.address()});
  const auto changed = test::random_blocks(BlockCount(50 * 256), 99);
  const auto patch = (sandbox_.path() / "patch").string();
  test::write_file(patch, changed);
  ASSERT_TRUE(
      run({"dd", "if=" + patch, "of=" + file(), "bs=1M", "seek=5", "conv=notrunc"}).status.ok());
  const auto begin = std::chrono::steady_clock::now();
  must(b_, {"disk", "commit", "vm", "new"});
  const auto target = sandbox_.directory("at-a");
  must(a_, {"mount", "new", target});
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took, 3s);
  EXPECT_TRUE(test::read_file(target + "/new.raw") == test::read_file(file()));
  // Random bytes do not compress: the reference is what was changed, and 32 bytes for each block.
  const auto received =
      a_.query({"status"}).at("fetch").at("received_wire").to_number<std::uint64_t>();
  const auto reference = changed.size() + changed.size() / 4096 * 32;
  EXPECT_GE(received, changed.size());
  EXPECT_LE(static_cast<double>(received), 1.05 * static_cast<double>(reference));
  RecordProperty("milliseconds", static_cast<int>(took / 1ms));
}

}  // namespace
}  // namespace weft::testing
