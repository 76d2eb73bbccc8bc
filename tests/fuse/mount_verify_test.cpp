// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/fuse_test.h"
#include "tests/support/fs/lazy_mount.h"
#include "tests/support/fs/reader_process.h"
#include "tests/support/fs/subprocess.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>

// Every byte right, whatever happens below the mount.
namespace weft::fs {
namespace {

using namespace std::chrono_literals;
using testing::LazyMount;
using testing::ReaderProcess;
using testing::ReadWay;

class MountVerify : public testing::FuseTest {};

std::uint64_t sum_of(std::span<const std::byte> bytes) {
  return std::accumulate(
      bytes.begin(), bytes.end(), std::uint64_t{0},
      [](std::uint64_t sum, std::byte b) { return sum + static_cast<std::uint64_t>(b); });
}

testing::Finished fio(const std::string& file, std::vector<std::string> options) {
  std::vector<std::string> command = {"fio",          "--name=verify",     "--size=16m",
                                      "--bs=16k",     "--verify=crc32c",   "--verify_fatal=1",
                                      "--randseed=7", "--filename=" + file};
  command.insert(command.end(), options.begin(), options.end());
  return testing::run(command, 100s);
}

struct Engine {
  const char* name;
  bool direct;
};

class FioTest : public MountVerify, public ::testing::WithParamInterface<Engine> {};

TEST_P(FioTest, verifies_what_it_wrote_before_the_import) {
  const testing::MountSandbox sandbox;
  const std::string written = sandbox.file("written");
  const auto write = fio(written, {"--rw=write", "--do_verify=0", "--ioengine=psync"});
  ASSERT_TRUE(write.status.ok()) << write.err;
  std::ifstream file(written, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> content(text.size());
  std::memcpy(content.data(), text.data(), text.size());

  LazyMount mount({.content = std::move(content)});
  mount.fetcher->deliver(2ms);
  const auto read =
      fio(mount.file(), {"--rw=randread", "--readonly", "--iodepth=16", "--invalidate=0",
                         "--ioengine=" + std::string(GetParam().name),
                         GetParam().direct ? "--direct=1" : "--direct=0"});
  EXPECT_TRUE(read.status.ok()) << read.err << read.out;
  EXPECT_GT(mount.status().reads.missing, 0u);
}

INSTANTIATE_TEST_SUITE_P(MountVerify, FioTest,
                         ::testing::Values(Engine{"psync", false}, Engine{"libaio", true},
                                           Engine{"io_uring", true}, Engine{"io_uring", false}),
                         [](const auto& info) {
                           return info.param.name + std::string(info.param.direct ? "_direct" : "");
                         });

TEST_F(MountVerify, file_edited_under_an_image_in_place_never_shows_through) {
  LazyMount mount({.in_place = true});
  mount.fetcher->deliver();
  {
    ReaderProcess before(mount.file(), ReadWay::direct, 0, 1 << 20);
    EXPECT_EQ(before.wait(20s), 0);
    EXPECT_EQ(before.sum(), sum_of(mount.content().first(1 << 20)));
  }
  EXPECT_EQ(mount.fetcher->reads(), 0u) << "it is complete";
  {
    std::fstream file(mount.source(), std::ios::binary | std::ios::in | std::ios::out);
    for (int block = 3; block < 40; block += 3) {  // 13, all in one request
      file.seekp(block * 4096 + 100);
      file << "edited by its owner";
    }
  }
  for (const ReadWay way : {ReadWay::direct, ReadWay::cached}) {
    ReaderProcess after(mount.file(), way, 0, 1 << 20);
    EXPECT_EQ(after.wait(20s), 0);
    EXPECT_EQ(after.sum(), sum_of(mount.content().first(1 << 20)));
  }
  EXPECT_GT(mount.fetcher->reads(), 0u) << "lost blocks come from a peer";
  EXPECT_GE(mount.image->lost_blocks(), BlockCount(13));
}

TEST_F(MountVerify, lost_block_without_a_peer_is_an_error_and_not_the_edited_bytes) {
  LazyMount mount({.in_place = true, .policy = {.when_missing = WhenMissing::eio}});
  {
    std::fstream file(mount.source(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(5 * 4096);
    file << "edited by its owner";
  }
  ReaderProcess reader(mount.file(), ReadWay::direct, 4 * 4096, 4 * 4096);
  EXPECT_EQ(reader.wait(20s), EIO);
}

TEST_F(MountVerify, blocks_that_cannot_be_stored_are_served_from_memory) {
  LazyMount mount;
  mount.make_resident({BlockIndex(2), BlockCount(2)});  // and with it the tree above
  mount.fetcher->deliver_loose([sample = mount.sample](BlockIndex block) {
    NodeBytes bytes;
    std::memcpy(bytes.data(), sample->block(block.value()).data(), bytes.size());
    return bytes;
  });
  ReaderProcess reader(mount.file(), ReadWay::direct, 0, 64 << 10);
  EXPECT_EQ(reader.wait(20s), 0);
  EXPECT_EQ(reader.sum(), sum_of(mount.content().first(64 << 10)));
  EXPECT_EQ(mount.image->usage().resident, BlockCount(2));
}

}  // namespace
}  // namespace weft::fs
