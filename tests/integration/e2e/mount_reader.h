// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"
#include "tests/support/indexer/sample_image.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace weft::testing {

/// Reads blocks here and there through a mount, until told to end.
class MountReader {
 public:
  MountReader(const std::filesystem::path& file, const test::SampleImage& image)
      : image_(image), fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  void end() { thread_ = {}; }
  [[nodiscard]] unsigned reads() const { return reads_; }
  [[nodiscard]] unsigned errors() const { return errors_; }
  [[nodiscard]] unsigned wrong() const { return wrong_; }

 private:
  void run(const std::stop_token& stop) {
    std::minstd_rand random(7);
    std::vector<std::byte> block(block_size);
    while (!stop.stop_requested()) {
      const std::uint64_t index = random() % image_.blocks().value();
      const auto got =
          ::pread(fd_.get(), block.data(), block.size(), static_cast<off_t>(index * block_size));
      ++reads_;
      if (got != static_cast<ssize_t>(block_size)) {
        ++errors_;
      } else if (!std::ranges::equal(block, image_.block(index))) {
        ++wrong_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  const test::SampleImage& image_;
  UniqueFd fd_;
  std::atomic<unsigned> reads_ = 0;
  std::atomic<unsigned> errors_ = 0;
  std::atomic<unsigned> wrong_ = 0;
  std::jthread thread_;
};

}  // namespace weft::testing
