// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/tools/disk_fixture.h"

#include <array>
#include <chrono>
#include <memory>

// What QEMU expects of the file under its guest: cache modes, ways of asynchronous I/O, locks.
namespace weft::testing {
namespace {

using namespace std::chrono_literals;

using QemuContract = DiskTest;

constexpr std::array<std::array<const char*, 4>, 5> ways{{{"-t", "none", "-i", "native"},
                                                          {"-t", "none", "-i", "io_uring"},
                                                          {"-t", "none", "-i", "threads"},
                                                          {"-t", "writeback", "-i", "io_uring"},
                                                          {"-t", "directsync", "-i", "native"}}};

TEST_F(QemuContract, many_read_one_image_at_the_same_time_in_every_mode) {
  const auto target = sandbox_.directory("image");
  must(b_, {"mount", "base", target});
  std::vector<std::unique_ptr<Subprocess>> readers;
  for (const auto& way : ways) {
    std::vector<std::string> line{"qemu-img", "bench", "-f", "raw", "-c", "2000",
                                  "-d",       "32",    "-s", "16k", "-S", "33280"};
    line.insert(line.end(), way.begin(), way.end());
    line.push_back(target + "/base.raw");
    readers.push_back(std::make_unique<Subprocess>(std::move(line)));
  }
  for (const auto& reader : readers) {
    const auto ended = reader->wait(60s);
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->ok()) << reader->out() << reader->err();
  }
  const auto writer = run({"qemu-io", "-f", "raw", "-c", "write 0 4k", target + "/base.raw"});
  EXPECT_FALSE(writer.status.ok());
  EXPECT_NE(writer.err.find("Read-only file system"), std::string::npos) << writer.err;
}

TEST_F(QemuContract, only_one_writes_a_disk) {
  Subprocess guest({"qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-S", "-display", "none",
                    "-nic", "none", "-monitor", "none", "-drive",
                    "file=" + file() + ",format=raw,if=virtio,cache=none"});
  const auto write = [&] { return run({"qemu-io", "-f", "raw", "-c", "write 0 4k", file()}); };
  auto refused = write();
  for (int i = 0; i < 100 && refused.status.ok(); ++i) {
    ASSERT_FALSE(guest.wait(100ms)) << guest.err();
    refused = write();
  }
  EXPECT_NE(refused.err.find("Failed to get \"write\" lock"), std::string::npos) << refused.err;
  const auto old = b_.kill_worker();
  ASSERT_TRUE(b_.wait_for_new_worker(old, 20s)) << b_.log();
  EXPECT_FALSE(write().status.ok()) << "locks outlive the worker";
  guest.kill();
  const auto after = write();
  EXPECT_TRUE(after.status.ok()) << "the lock went with its holder: " << after.err;
}

TEST_F(QemuContract, a_disk_is_written_discarded_and_flushed_in_every_mode) {
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

}  // namespace
}  // namespace weft::testing
