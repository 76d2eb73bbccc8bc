// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/indexer/sample_image.h"
#include "tests/support/tools/weft_node.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace weft::testing {

/// `weft materialize disk` at a node, from its start, watched from outside. What came is seen in
/// the node's pack, so that watching costs it nothing. The image outlives this.
class StarTransfer {
 public:
  /// `peers`: that the target is told of with the command.
  StarTransfer(const WeftNode& target, const test::SampleImage& image,
               const std::vector<std::string>& peers = {});

  /// Waits until so much of the image has come, 0 … 1. False: the command ended before, or that
  /// took longer than `limit`.
  [[nodiscard]] bool wait_for(double fraction, std::chrono::seconds limit);
  /// Waits for the end. Seconds since the start. Throws std::runtime_error with the command's
  /// output if it fails or takes longer.
  double finish(std::chrono::seconds limit);
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
