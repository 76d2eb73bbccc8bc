// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/guest.h"
#include "tests/support/tools/running_relay.h"
#include "tests/support/tools/weft_node.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

namespace weft::testing {

/// One or more holders of a Debian image, node B that mounts it through links of 200 Mbit/s and
/// 10 ms, and a guest that boots from the mount.
class BootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/fuse is not usable here";
    image_ = boot_image();
  }

  /// Starts a node that has the whole image.
  WeftNode& add_holder() {
    const auto name = "holder" + std::to_string(holders_.size());
    holders_.push_back(std::make_unique<WeftNode>(scratch_ / name / "state"));
    auto& node = *holders_.back();
    node.start();
    const auto imported =
        node.weft({"import", image_, "--name", "guest", "--in-place"}, std::chrono::minutes(3));
    EXPECT_TRUE(imported.status.ok()) << imported.err;
    relays_.push_back(
        std::make_unique<RunningRelay>(RelayOptions{.listen = "127.0.0.1:0",
                                                    .target = node.address(),
                                                    .round_trip = std::chrono::milliseconds(10),
                                                    .bits_per_second = 200'000'000}));
    return node;
  }

  /// Starts B and mounts the image there, known from all holders. Returns the file to boot from.
  std::filesystem::path mount(std::vector<std::string> flags = {}) {
    const auto target = scratch_ / "b" / "mounted";
    std::filesystem::create_directories(target);
    b_.start();
    std::vector<std::string> arguments{"mount", "guest", target};
    for (const auto& relay : relays_) {
      arguments.emplace_back("--peer");
      arguments.push_back(relay->address());
    }
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const auto mounted = b_.weft(arguments);
    EXPECT_TRUE(mounted.status.ok()) << mounted.err;
    return target / "guest.raw";
  }

  /// Makes every block resident and compares what B has with the image.
  void expect_all_blocks_equal(const std::filesystem::path& mounted) {
    const auto done = b_.weft({"materialize", "guest"}, std::chrono::minutes(5));
    ASSERT_TRUE(done.status.ok()) << done.err;
    const auto status = b_.query({"status"});
    EXPECT_EQ(status.at("images").at(0).at("blocks").at("missing"), 0) << status;
    const auto compared = run({"cmp", mounted, image_}, std::chrono::minutes(5));
    EXPECT_TRUE(compared.status.ok()) << compared.out << compared.err;
  }

  /// Bytes that B has received from each holder.
  [[nodiscard]] std::uint64_t received_through(std::size_t holder) {
    return relays_[holder]->counts().to_client;
  }
  [[nodiscard]] std::uint64_t failed_reads() {
    return b_.query({"status"})
        .at("mounts")
        .at(0)
        .at("reads")
        .at("failed")
        .to_number<std::uint64_t>();
  }

  std::filesystem::path image_;
  test::TempDirectory scratch_;
  std::vector<std::unique_ptr<WeftNode>> holders_;
  std::vector<std::unique_ptr<RunningRelay>> relays_;  // one for each holder
  WeftNode b_{scratch_ / "b" / "state"};
};

}  // namespace weft::testing
