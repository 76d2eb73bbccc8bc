// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/indexer/sample_image.h"
#include "tests/support/tools/weft_node.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing {

/// `weft materialize disk` at a node, from its start, watched from outside. What came is seen in
/// the node's pack, so that watching costs it nothing. The image outlives this.
class StarTransfer {
 public:
  /// `peers`: that the target is told of with the command. `flags`: further ones of it.
  StarTransfer(const WeftNode& target, const test::SampleImage& image,
               const std::vector<std::string>& peers = {},
               const std::vector<std::string>& flags = {});

  /// Waits until so much of the image has come, 0 … 1. False: the command ended before, or that
  /// took longer than `limit`.
  [[nodiscard]] bool wait_for(double fraction, std::chrono::seconds limit);
  /// Waits for the end. Seconds since the start. Throws std::runtime_error with the command's
  /// output if it fails or takes longer.
  double finish(std::chrono::seconds limit);
  /// The same for a command that may fail: how it ended. Nullopt: it takes longer.
  [[nodiscard]] std::optional<ExitStatus> ended(std::chrono::seconds limit);
  /// Waits until the command has written that. False: it has ended without it, or takes longer.
  [[nodiscard]] bool says(std::string_view text, std::chrono::seconds limit);
  /// What the command had written on stderr when it was last waited for.
  [[nodiscard]] const std::string& err() const { return command_.err(); }
  /// 4096-byte blocks of the finished pack that are not the image's.
  [[nodiscard]] std::uint64_t wrong_blocks() const;

 private:
  [[nodiscard]] double arrived() const;

  const test::SampleImage& image_;
  std::filesystem::path pack_;
  std::chrono::steady_clock::time_point start_;
  Subprocess command_;
};

}  // namespace weft::testing
