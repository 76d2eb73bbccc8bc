// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

#include <array>
#include <cstddef>
#include <optional>

namespace weft::fetcher {

/// Foreground first: how much of one link prefetch may use while somebody reads. Pure, a value
/// type.
///
/// A demand read overtakes prefetch at the sender, but not what is on its way. While nobody reads,
/// prefetch keeps twice as much on its way as the path holds, so that the link is full whatever
/// happens. While somebody does, what the path holds and one batch: so a read is behind about one
/// batch.
///
/// Whether that is so is measured. Of every demand fetch it is known how long it took beyond what
/// the path and its own bytes explain; where nothing was prefetched meanwhile, that is what the
/// link is like. Prefetch *harms* when the 95th percentile beside it is more than the time of one
/// batch worse: then it halves its window. When it is less than half of that worse, or when nobody
/// reads, it grows back. What a boot will read does not back off like that: its reads are what
/// waits, and would wait for it one by one.
///
/// *Rationale:* a queue in the network (of a router, or of other traffic that shares its fate with
/// ours) cannot be seen but by what it does to reads; so the harm is measured, not computed.
class Foreground {
 public:
  static constexpr Duration active_for = std::chrono::seconds(1);  ///< after the last read
  static constexpr double least_share = 1.0 / 16;

  /// Somebody waits for something asked for now.
  void demanded(TimePoint now) {
    share_ = share(now);
    last_demand_ = now;
  }
  /// A demand fetch was answered: `beyond` what was to be expected with nothing in front of it.
  void answered(Duration beyond, bool beside_prefetch, Duration batch, TimePoint now);
  [[nodiscard]] bool active(TimePoint now) const {
    return last_demand_ && now - *last_demand_ < active_for;
  }
  /// Of the window, 1 while prefetch does no harm.
  [[nodiscard]] double share(TimePoint now) const;

 private:
  /// The last so many.
  class Sample {
   public:
    void add(double seconds);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] double percentile_95() const;
    void clear() { size_ = next_ = 0; }

   private:
    std::array<double, 32> values_{};
    std::size_t size_ = 0;
    std::size_t next_ = 0;
  };
  Sample alone_;
  Sample beside_;
  double share_ = 1;
  std::optional<TimePoint> last_demand_;
  TimePoint judged_at_{};
};

}  // namespace weft::fetcher
