// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/running_relay.h"
#include "tests/support/tools/weft_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

namespace weft::testing {

using tools::ExitCode;

/// Polls for what must come about soon.
template <class Condition>
[[nodiscard]] bool soon(const Condition& condition,
                        std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// Nodes as processes, below one directory that is removed afterwards.
class E2eTest : public ::testing::Test {
 protected:
  /// A raw image of `mib` MiB that no two seeds share a block of.
  std::filesystem::path image_file(std::string_view name, unsigned mib, std::uint64_t seed = 1) {
    const auto path = directory_ / name;
    test::write_file(path, test::random_blocks(BlockCount(std::uint64_t{mib} * 256), seed));
    return path;
  }
  std::filesystem::path new_directory(std::string_view name) {
    std::filesystem::create_directories(directory_ / name);
    return directory_ / name;
  }

  /// One line that names the trouble, the exit code, and nothing on stdout.
  static void expect_trouble(const Finished& finished, ExitCode code, std::string_view says) {
    EXPECT_FALSE(finished.status.signalled) << finished.err;
    EXPECT_EQ(finished.status.code, static_cast<int>(code)) << finished.err;
    EXPECT_TRUE(finished.err.starts_with("weft: ")) << finished.err;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_NE(finished.err.find(says), std::string::npos) << finished.err;
    EXPECT_EQ(finished.out, "");
  }
  static void expect_ok(const Finished& finished) {
    EXPECT_TRUE(finished.status.ok()) << "exit " << finished.status.code << "\n" << finished.err;
  }
  static void expect_equal_files(const std::filesystem::path& a, const std::filesystem::path& b) {
    const auto compared = run({"cmp", a, b}, std::chrono::minutes(2));
    EXPECT_TRUE(compared.status.ok()) << compared.out << compared.err;
  }
  /// The images of a node without what changes by itself.
  static std::string images_of(const WeftNode& node) {
    std::string text;
    const auto answer = node.query({"images"});
    for (const auto& image : answer.at("images").as_array()) {
      text += boost::json::serialize(image.at("name")) + boost::json::serialize(image.at("id")) +
              boost::json::serialize(image.at("size")) + "\n";
    }
    return text;
  }
  /// Files below the state directory that belong to no published image.
  static std::size_t unfinished_files(const WeftNode& node) {
    const auto incoming = node.state() / "incoming";
    if (!std::filesystem::exists(incoming)) return 0;
    const std::filesystem::recursive_directory_iterator all(incoming);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  static std::uint64_t blocks_missing(const WeftNode& node) {
    const auto status = node.query({"status"});
    return status.at("images").at(0).at("blocks").at("missing").to_number<std::uint64_t>();
  }

  test::TempDirectory directory_;
};

/// The same for what needs real mounts.
class E2eMountTest : public E2eTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/fuse is not usable here";
  }
};

}  // namespace weft::testing
