// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/weft_node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weft::testing {

/// Node A with an image, node B with a mounted disk over it.
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
                                  "--do_verify=1", "--randseed=7",    "--verify_state_save=0"};
    line.insert(line.end(), more.begin(), more.end());
    return line;
  }

  MountSandbox sandbox_;
  WeftNode a_{sandbox_.path() / "a"};
  WeftNode b_{sandbox_.path() / "b"};
  std::string base_;
  const std::string target_ = sandbox_.directory("target");
};

}  // namespace weft::testing
