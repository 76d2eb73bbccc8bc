// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weft::fetcher {

struct ReadaheadLimits {
  BlockCount first{32};      ///< 128 KiB
  BlockCount largest{1024};  ///< 4 MiB; the caller follows bandwidth × delay
  std::size_t streams = 16;  ///< sequential readers told apart
};

/// Recognises sequential demand reads of one image and says what to fetch ahead of them. Pure.
///
/// A read that starts where an earlier one ended, or within what was fetched ahead of it, continues
/// that stream: its window starts at 128 KiB and doubles with every continuation that comes near
/// the window's end. Any other read starts a stream of its own and fetches nothing ahead; the
/// stream idle the longest makes room. So random reads cost nothing, and several readers that
/// interleave each get their window.
///
/// Rationale: the fetcher hears of misses only. A reader that finds its data resident is silent
/// until it has passed everything fetched ahead; that miss must count as a continuation.
class Readahead {
 public:
  explicit Readahead(ReadaheadLimits limits = {}) : limits_(limits) {}

  /// Follows bandwidth × delay of the links in use; never below the first window.
  void set_largest(BlockCount blocks);
  /// Notes a demand read; what to fetch ahead now, not clipped to the image.
  [[nodiscard]] std::optional<BlockRange> on_read(BlockRange read);

 private:
  struct Stream {
    BlockIndex next;   // where the reader goes on
    BlockIndex ahead;  // fetched ahead up to here
    std::uint64_t window = 0;
    std::uint64_t used = 0;
  };
  [[nodiscard]] Stream* find(BlockRange read);

  ReadaheadLimits limits_;
  std::vector<Stream> streams_;
  std::uint64_t uses_ = 0;
};

}  // namespace weft::fetcher
