// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_profile.h"
#include "fs/record/touch_log.h"
#include "indexer/core/digest.h"
#include "indexer/core/error.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <unordered_set>
#include <vector>

namespace weft::fs {

struct RecordingRules {
  /// The boot is over when the guest has read nothing new for so long. *Rationale:* boot menus and
  /// the time-outs of a guest's services are quiet for 5 to 25 seconds; the login that follows a
  /// boot comes later.
  std::chrono::milliseconds quiet_after = std::chrono::seconds(30);
  /// A guest that never rests: what it reads later is no longer its boot.
  std::chrono::milliseconds longest = std::chrono::minutes(10);
  /// Fewer data blocks are somebody who looks at the image (`file -s`, a partition table): 1 MiB.
  std::size_t least_blocks = 256;
  /// Whoever reads this part of all data in order copies the image.
  double copied_part = 0.25;
};

/// What the recording turned out to be.
enum class RecordingKind { boot, too_few, copy };

/// One recording as it grows, and the judgement on it. Pure: no clock, no I/O; digests are asked
/// for through a function. Not thread-safe.
class BootRecording {
 public:
  /// The digest of a block; Errc::not_resident: not known yet.
  using DigestOf = std::function<Result<Digest>(BlockIndex)>;

  explicit BootRecording(RecordingRules rules = {}) : rules_(rules) {}

  /// In the order they came; what was added before is left out.
  void add(std::span<const TouchLog::Touch> touches);
  /// Asks for the digests that were not known before. Those of zero blocks, which nobody fetches,
  /// and of content that was read before are left out.
  void resolve(const DigestOf& digest_of);

  /// `now` is time since the recording's first read, as is that of touches.
  [[nodiscard]] bool is_over(std::chrono::milliseconds now) const;
  /// The guest waits for us: it is not quiet.
  void still_active(std::chrono::milliseconds now) { active_ = std::max(active_, now); }

  /// Data blocks read so far whose digests are known.
  [[nodiscard]] std::size_t blocks() const { return entries_.size(); }
  /// `data`: the data blocks of the whole image.
  [[nodiscard]] RecordingKind kind(BlockCount data) const;
  /// At least one block is known. Those whose digests never came are left out.
  [[nodiscard]] fetcher::BootProfile profile(const ImageId& image) const;

 private:
  struct Touched {
    BlockIndex block;
    std::chrono::milliseconds at{};
    std::size_t rank = 0;  // in the order of first reads
  };
  struct Known {
    fetcher::ProfileEntry entry;
    std::size_t rank = 0;
  };
  [[nodiscard]] bool is_full() const { return touched_.size() >= fetcher::max_profile_entries; }
  [[nodiscard]] bool is_in_order() const;

  const RecordingRules rules_;
  std::unordered_set<BlockIndex> touched_;
  std::vector<Touched> unresolved_;
  std::vector<Known> entries_;              // in the order their digests came
  std::unordered_set<std::uint64_t> keys_;  // of them
  std::chrono::milliseconds active_{0};
  BlockIndex furthest_;  // end of the furthest read
  std::size_t reads_ = 0;
  std::size_t reads_back_ = 0;  // of a place well before that
};

}  // namespace weft::fs
