// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <array>
#include <cstdint>
#include <optional>

namespace weft::fetcher {

/// What is on its way over one link, and how much more may be asked for. Pure, a value type.
///
/// The window for what nobody waits for is bandwidth × delay × 2, at least two batches: enough to
/// keep the link full, little enough that a demand read is never behind more than that.
/// *Rationale:* delay = round trip + 5 ms, since the peer reads and packs a batch before it can
/// send it; on a link shorter than that, this is what has to be bridged.
class LinkWindow {
 public:
  /// Blocks of a prefetch request while somebody reads: half a batch. A read is behind one in the
  /// path and behind what the peer is writing, so together they are one batch.
  static constexpr BlockCount part_beside_reads{wire::blocks_per_batch / 2};

  void measured(double bytes_per_second, Duration round_trip);
  void sent(wire::Priority priority, BlockCount blocks, TimePoint now);
  void raised(wire::Priority from, wire::Priority to, BlockCount blocks);
  /// Answered, absent, cancelled or failed.
  void gone(wire::Priority priority, BlockCount blocks);
  /// Something useful came: `wire_bytes` for `blocks` blocks.
  void progress(BlockCount blocks, std::uint64_t wire_bytes, TimePoint now);
  /// When the link has stalled if nothing comes before: much later than what is outstanding
  /// explains. Nullopt: nothing is outstanding.
  [[nodiscard]] std::optional<TimePoint> stalls_at() const;
  [[nodiscard]] bool stalled(TimePoint now) const {
    const auto at = stalls_at();
    return at && *at <= now;
  }

  /// Blocks of content the window holds at the compression seen lately.
  [[nodiscard]] BlockCount window() const;
  /// The same while somebody reads: what the path holds and the peer takes to answer and one
  /// request of `part`, or `share` of all that, at least `part`.
  [[nodiscard]] BlockCount window_beside_reads(BlockCount part, double share) const;
  /// Size of a prefetch request: a quarter of the window, in whole batches.
  [[nodiscard]] BlockCount request_size() const;
  [[nodiscard]] BlockCount outstanding() const;
  [[nodiscard]] BlockCount outstanding(wire::Priority priority) const {
    return BlockCount(blocks_[static_cast<std::size_t>(priority)]);
  }
  /// Wire bytes that arrive before a demand read asked for now: all demand, and what prefetch the
  /// peer can no longer take back.
  [[nodiscard]] double queued_bytes() const;
  /// Of these, what would arrive before it if nothing were prefetched.
  [[nodiscard]] double demanded_bytes() const;
  [[nodiscard]] double bytes_per_second() const { return rate_; }
  [[nodiscard]] Duration round_trip() const { return round_trip_; }
  [[nodiscard]] double wire_bytes_per_block() const { return wire_per_block_; }

 private:
  double rate_ = 12.5e6;
  Duration round_trip_ = std::chrono::milliseconds(20);
  double wire_per_block_ = block_size;
  std::array<std::uint64_t, 4> blocks_{};  // outstanding, by wire::Priority
  TimePoint busy_since_{};                 // last progress, or when the link became busy
};

}  // namespace weft::fetcher
