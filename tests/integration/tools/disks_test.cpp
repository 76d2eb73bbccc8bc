// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/integration/tools/disk_fixture.h"

#include <boost/json.hpp>

#include <chrono>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

// Writable disks as their users have them: a node with an image, another one with a disk over it.
namespace weft::testing {
namespace {

using namespace std::chrono_literals;

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

TEST_F(DiskTest, status_counts_what_its_guest_does) {
  const std::string content(std::size_t{256} << 10, 'x');
  {
    const UniqueFd disk(::open(file().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(disk);
    const auto size = static_cast<ssize_t>(content.size());
    ASSERT_EQ(::pwrite(disk.get(), content.data(), content.size(), 0), size);
    ASSERT_EQ(::pwrite(disk.get(), content.data(), content.size(), 8192), size);
    ASSERT_EQ(::fsync(disk.get()), 0);
    ASSERT_EQ(::fallocate(disk.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
  }
  const auto status = boost::json::parse(must(b_, {"status", "--json"}).out);
  const auto& changes = status.at("mounts").at(0).at("changes");
  EXPECT_EQ(changes.at("written").to_number<std::size_t>(), 2 * content.size());
  EXPECT_GE(changes.at("writes").at("count").to_number<int>(), 2);
  EXPECT_EQ(changes.at("zeroed").to_number<int>(), 65536);
  EXPECT_EQ(changes.at("flushes").at("count").to_number<int>(), 1);
  EXPECT_EQ(changes.at("failed").to_number<int>(), 0);
  EXPECT_TRUE(must(b_, {"status"}).out.contains("DISCARDED"));
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

TEST_F(DiskTest, upgrades_cost_its_writer_nothing) {
  Subprocess writer(
      fio("upgrade", {"--rw=randwrite", "--io_size=64M", "--loops=2", "--bs=16k",
                      "--ioengine=libaio", "--direct=1", "--iodepth=8", "--fsync=16"}));
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(writer.wait(300ms));
    must(b_, {"upgrade"});
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

TEST_F(DiskTest, detached_in_use_is_a_plain_file_of_what_it_held) {
  const auto changed = test::random_blocks(BlockCount(300), 5);
  const auto patch = (sandbox_.path() / "patch").string();
  test::write_file(patch, changed);
  ASSERT_TRUE(run({"dd", "if=" + patch, "of=" + file(), "bs=4k", "seek=700", "conv=notrunc,fsync"})
                  .status.ok());
  const auto to = (sandbox_.path() / "plain.raw").string();
  const auto early = b_.weft({"detach", "vm", "--to", to});
  EXPECT_EQ(early.status.code, 3) << early.err;
  EXPECT_NE(early.err.find("weft materialize base"), std::string::npos) << early.err;
  EXPECT_FALSE(std::filesystem::exists(to));
  must(b_, {"detach", "vm", "--to", to, "--wait"});
  EXPECT_TRUE(test::read_file(to) == test::read_file(file()));
  const auto images = b_.query({"images"}).at("images").as_array();
  EXPECT_EQ(images.size(), 1U) << "what was made for it is given back";
  const auto qcow2 = (sandbox_.path() / "plain.qcow2").string();
  must(b_, {"detach", "vm", "--to", qcow2, "--format", "qcow2"});
  const auto same = run({"qemu-img", "compare", "-F", "raw", "-f", "qcow2", qcow2, file()}, 60s);
  EXPECT_TRUE(same.status.ok()) << same.out << same.err;
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
