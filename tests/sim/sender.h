// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace weft::sim {

/// Content as far as the wire sees it: how well each block compresses, the same on every node.
struct Content {
  BlockCount blocks;
  /// On the wire, of these blocks in one batch: between 1200 and 2400 bytes each, by region.
  [[nodiscard]] std::size_t wire_bytes(BlockRange range) const;
  [[nodiscard]] std::size_t wire_bytes() const { return wire_bytes({BlockIndex(0), blocks}); }
};

/// A frame of an answer.
struct Batch {
  fetcher::FetchId fetch{};
  std::vector<BlockRange> blocks;
  std::vector<BlockRange> absent;
  std::size_t wire_bytes = 0;
  bool last = false;
};

/// What one connection of a server still has to send, in the order of fetcher/peer/answer_queue.h:
/// a lower priority number first at each frame; demand and readahead in turn, prefetch one request
/// after the other; 32 blocks a frame; what is not held is absent.
class Sender {
 public:
  void add(fetcher::FetchId fetch, std::vector<BlockRange> ranges,
           fetcher::wire::Priority priority);
  void raise(fetcher::FetchId fetch);
  void cancel(fetcher::FetchId fetch);
  [[nodiscard]] std::optional<Batch> next(const fetcher::RangeSet& held, const Content& content);

 private:
  struct Request {
    fetcher::FetchId fetch{};
    fetcher::wire::Priority priority{};
    std::deque<BlockRange> left;
  };
  std::deque<Request> requests_;
};

}  // namespace weft::sim
