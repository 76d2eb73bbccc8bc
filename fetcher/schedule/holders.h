// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/schedule/range_set.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace weft::fetcher {

/// Which connected peers hold which blocks of one image: the holder sets. Pure.
///
/// A peer is *asked* (connected, its answer is not here yet), *empty* (it does not have the image),
/// *partial* (it announces ranges) or *complete*. Two things overrule what it says:
/// - *absent*: it said that it lacks these blocks when asked for them. Forgotten after a while,
///   because a complete holder may only be repairing them.
/// - *banned*: it served wrong or truncated data. For good, also over reconnects.
///
/// Apart from all that, a peer may hold blocks *by digest*: in other images, as its answer to a
/// have query said. They are asked for by digest, and only where it does not hold them in this one.
class Holders {
 public:
  // --- What peers say.
  void asked(PeerId peer);
  void empty(PeerId peer);
  void complete(PeerId peer);
  /// From now on it holds `added` too, and no longer `removed`. Of a complete peer: all but those.
  void partial(PeerId peer, const std::vector<BlockRange>& added,
               const std::vector<BlockRange>& removed);
  void absent(PeerId peer, BlockRange range, TimePoint until);
  /// It has these in other images.
  void has_by_digest(PeerId peer, BlockRange range);
  /// It does not, whatever it said.
  void lacks_by_digest(PeerId peer, BlockRange range);
  void forget_by_digest(PeerId peer);
  /// Blocks that are here: where else they are held by digest is of no use any more.
  void landed(BlockRange range);
  void disconnected(PeerId peer);
  /// False: it was banned before.
  bool ban(PeerId peer);
  /// Forgets absences that are over. True if there were any: blocks may have a holder again.
  bool expire(TimePoint now);

  // --- Who can be asked.
  [[nodiscard]] bool holds(PeerId peer, BlockIndex block) const;
  /// The first run of blocks of `range` that the peer can be asked for; perhaps cut short.
  [[nodiscard]] std::optional<BlockRange> first_held(PeerId peer, BlockRange range) const;
  /// Calls `visit(BlockRange) -> bool` for what the peer says it holds of `wanted` in this image,
  /// within `range`, ascending, until it returns false. What was absent lately is among it.
  template <class Visit>
  void each_said(PeerId peer, const RangeSet& wanted, BlockRange range, Visit&& visit) const {
    const auto it = peers_.find(peer);
    if (it == peers_.end() || !has_image(it->second)) return;
    const bool complete = it->second.says == Says::complete;
    RangeSet::meet(wanted, complete ? wanted : it->second.has, range, visit);
  }
  /// Grows whenever there may be more that the peer can be asked for.
  [[nodiscard]] std::uint64_t gains(PeerId peer) const;
  /// Parts of `range` the peer can be asked for, ascending.
  [[nodiscard]] std::vector<BlockRange> held(PeerId peer, BlockRange range) const;
  /// Of those, the ones it holds in this image.
  [[nodiscard]] std::vector<BlockRange> held_in_image(PeerId peer, BlockRange range) const;
  struct Run {
    BlockRange range;
    std::vector<PeerId> peers;  ///< ascending; empty: nobody
  };
  /// `range` cut into runs with equal holder sets, ascending, covering it.
  [[nodiscard]] std::vector<Run> runs(BlockRange range) const;
  /// The same without a copy of the holders for each run. O(boundaries · (log boundaries + peers)).
  using VisitRun = std::function<void(BlockRange, std::span<const PeerId>)>;
  void visit_runs(BlockRange range, const VisitRun& visit) const;
  /// Connected peers that have the image at all and are not banned, ascending.
  [[nodiscard]] std::vector<PeerId> with_image() const;
  /// Connected peers that hold some block, in whatever image, and are not banned, ascending.
  [[nodiscard]] std::vector<PeerId> with_blocks() const;
  /// It has the image, or part of it, and is not banned.
  [[nodiscard]] bool has_image(PeerId peer) const;
  /// It has every block of the image, as far as is known, and is not banned.
  [[nodiscard]] bool is_complete(PeerId peer) const;
  /// It has some block, in whatever image, and is not banned.
  [[nodiscard]] bool may_hold(PeerId peer) const;
  [[nodiscard]] bool is_banned(PeerId peer) const;
  /// Some connected peer has not said yet what it holds.
  [[nodiscard]] bool any_asked() const;
  [[nodiscard]] bool is_empty(PeerId peer) const;

 private:
  enum class Says { nothing, asked, empty, partial, complete };  // nothing: not connected
  struct Peer {
    Says says = Says::nothing;
    bool banned = false;
    RangeSet has;    // partial
    RangeSet lacks;  // complete
    RangeSet absent;
    TimePoint absent_until{};
    RangeSet by_digest;
    std::uint64_t gains = 0;
  };

  [[nodiscard]] static bool has_image(const Peer& peer);
  [[nodiscard]] static bool usable(const Peer& peer);
  [[nodiscard]] static std::vector<BlockRange> in_image(const Peer& peer, BlockRange range);
  [[nodiscard]] static std::optional<BlockRange> first_in_image(const Peer& peer, BlockRange range);

  std::map<PeerId, Peer> peers_;
  std::uint64_t last_gain_ = 0;
};

}  // namespace weft::fetcher
