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
  BlockCount near{32};       ///< a gap of so many blocks may still be the same file
};

/// Recognises sequential demand reads of one image and says what to fetch ahead of them. Pure.
///
/// A read that starts where an earlier one ended, or within what was fetched ahead of it, continues
/// that stream: its window starts at 128 KiB and doubles with every continuation that comes near
/// the window's end. Any other read starts a stream of its own and fetches nothing ahead; the
/// stream idle the longest makes room. So random reads cost nothing, and several readers that
/// interleave each get their window.
///
/// A booting guest reads programs with small gaps. A read a little after the only one of a stream
/// (`near`) continues it, too, as long as that pays: it does when the reader then goes on past the
/// middle of what was fetched for it, and does not when the stream is forgotten without that. What
/// pays less than one time in three is not done any more, but for a trial now and then.
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
    bool on_trial = false;  // began over a gap, and has not paid yet
  };
  [[nodiscard]] Stream* find(BlockRange read);
  [[nodiscard]] std::uint64_t near() const;
  void forget_oldest();

  ReadaheadLimits limits_;
  std::vector<Stream> streams_;
  std::uint64_t uses_ = 0;
  int worth_ = 8;  // of streams over a gap: 0 … 16
};

}  // namespace weft::fetcher
