// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/integration/e2e/e2e_fixture.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace weft::testing {

/// A holder of an image `x`, and a node that mounts it at `target_`.
class LinkedNodes : public E2eMountTest {
 protected:
  /// Starts both; the holder has `image`.
  void start(const std::filesystem::path& image) {
    holder_.start();
    expect_ok(holder_.weft({"import", image, "--name", "x"}));
    node_.start();
  }
  /// The same, with a link of this rate and 10 ms between them.
  void start(const std::filesystem::path& image, std::uint64_t bits_per_second) {
    start(image);
    relay_.emplace(RelayOptions{.listen = "127.0.0.1:0",
                                .target = holder_.address(),
                                .round_trip = std::chrono::milliseconds(10),
                                .bits_per_second = bits_per_second});
  }
  /// Blocks that the node has in its own pack.
  [[nodiscard]] std::uint64_t resident() const {
    const auto images = node_.query({"status"}).at("images").as_array();
    if (images.empty()) return 0;
    return images.at(0).at("blocks").at("resident").to_number<std::uint64_t>();
  }

  /// What workers of the node read when they start.
  std::filesystem::path write_config(std::string_view toml) {
    const auto path = new_directory("node") / "weft.toml";
    std::ofstream(path) << toml;
    return path;
  }

  std::filesystem::path target_ = new_directory("node/mnt");
  WeftNode holder_{directory_ / "holder" / "state"};
  /// Of the node; empty.
  std::filesystem::path config_ = write_config("");
  WeftNode node_{directory_ / "node" / "state", {"--config", config_}};
  std::optional<RunningRelay> relay_;
};

}  // namespace weft::testing
