// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/frame_reader.h"
#include "tests/support/tools/relay.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace weft::testing {

/// Where the bytes of a link go: the frames that pass a relay, by the type of their message.
/// Give `tap()` to the relay; the ledger outlives it. One thread: the relay's.
class LinkLedger {
 public:
  struct Line {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;  ///< headers and hashes included
  };
  struct Blocks {
    std::uint64_t frames = 0;  ///< with blocks in them
    std::uint64_t blocks = 0;
    std::uint64_t packed = 0;  ///< bytes of the blocks as sent
  };

  [[nodiscard]] RelayTap tap();

  /// "to_target block_batch" and the like: direction, then the message's name, or its number where
  /// this program does not know it.
  [[nodiscard]] const std::map<std::string, Line>& lines() const { return lines_; }
  [[nodiscard]] const Blocks& blocks() const { return blocks_; }
  /// False: a stream made no sense, and what came after is missing here.
  [[nodiscard]] bool sound() const { return sound_; }

 private:
  void passed(std::uint64_t connection, bool to_target, std::span<const std::byte> bytes);
  void count(bool to_target, const fetcher::wire::Frame& frame);

  std::map<std::pair<std::uint64_t, bool>, fetcher::wire::FrameReader> readers_;
  std::map<std::string, Line> lines_;
  Blocks blocks_;
  bool sound_ = true;
};

}  // namespace weft::testing
