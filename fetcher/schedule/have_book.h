// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace weft::fetcher {

/// Whether a peer keeps what its have answers promise. Prefixes that agree by chance and blocks
/// that were removed since break a promise now and then; who breaks many is not believed any more.
/// Value type.
class HaveTrust {
 public:
  void kept(BlockCount blocks) { kept_ += blocks.value(); }
  void broken(BlockCount blocks) { broken_ += blocks.value(); }
  /// More than one block in 16 was promised and not held, after the first `tolerated`.
  [[nodiscard]] bool believed() const { return broken_ <= tolerated + kept_ / 16; }
  [[nodiscard]] std::uint64_t false_haves() const { return broken_; }

 private:
  static constexpr std::uint64_t tolerated = 32;  // one batch
  std::uint64_t kept_ = 0;
  std::uint64_t broken_ = 0;
};

/// A link as it bears on a have query.
struct HaveLink {
  double bytes_per_second = 0;
  double wire_bytes_per_block = 0;
};
/// Seconds earlier that a read has a block, when the fastest peer with the image is on `best` and a
/// peer on `link` has it too; negative: later.
[[nodiscard]] double saved_by_faster(const HaveLink& link, const HaveLink& best);
/// Seconds earlier that a transfer is over for every block that a link can bring which would be
/// idle before all links are done; they carry `bytes_per_second` together.
[[nodiscard]] double saved_by_idle(double wire_bytes_per_block, double bytes_per_second);
/// Whether to ask a peer on `link` which blocks it holds: every block that it holds saves `saved`
/// seconds, and its key and answer bit take some. `share`: part of the blocks asked about so far
/// that the peer held.
///
/// *Rationale:* keys go the other way than blocks; the rate of that way is not measured, and is
/// taken as equal.
[[nodiscard]] bool worth_asking(const HaveLink& link, double saved, double share);

/// What has been asked of whom in have queries about one image, and how useful the answers were.
/// Pure. It remembers blocks only until they land, so it is as large as what is on its way.
///
/// A block is asked about once at each peer, and again after a pause that doubles from 5 s to 80 s,
/// since peers get images.
class HaveBook {
 public:
  /// Parts of `range` this peer was not asked about.
  [[nodiscard]] std::vector<BlockRange> unasked(PeerId peer, BlockRange range) const;
  void asked(PeerId peer, const std::vector<BlockRange>& blocks);
  /// The answer to a query about `blocks` blocks.
  void answered(PeerId peer, BlockCount blocks, BlockCount held);
  /// As if it had not been asked about these.
  void forget(PeerId peer, const std::vector<BlockRange>& blocks);
  /// No answer: nothing is asked before the pause is over.
  void failed(PeerId peer, const std::vector<BlockRange>& blocks, TimePoint now);
  void forget(PeerId peer) { peers_.erase(peer); }
  void landed(BlockRange range);
  /// Lets peers be asked again whose pause is over.
  void expire(TimePoint now);

  [[nodiscard]] bool may_ask(PeerId peer, TimePoint now) const;
  [[nodiscard]] std::size_t in_flight(PeerId peer) const;
  /// Nothing known: nothing was answered yet.
  [[nodiscard]] std::optional<double> share(PeerId peer) const;

 private:
  struct Peer {
    RangeSet asked;
    std::size_t in_flight = 0;
    std::optional<double> share;
    TimePoint not_before{};  // after a failure
    std::optional<TimePoint> again_at;
    Duration pause = std::chrono::seconds(5);
  };
  std::map<PeerId, Peer> peers_;
};

}  // namespace weft::fetcher
