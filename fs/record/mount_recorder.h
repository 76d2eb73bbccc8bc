// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_source.h"
#include "fs/record/boot_recording.h"
#include "fs/record/touch_log.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/local_image.h"

#include <memory>
#include <optional>
#include <string>

namespace weft::fs {

struct RecordingStatus {
  bool recording = false;
  bool by_hand = false;
  std::size_t blocks = 0;  ///< data blocks noted, as of the last tick
};

/// Records the boots of one mount: its first one by itself, others by hand.
///
/// By itself it begins with the mount's first read and ends when the guest has read nothing new for
/// a while, or never rests, or the mount is unmounted (RecordingRules). What was no boot (a glance,
/// a copy) is dropped; a boot goes to the keeper. By hand it begins and ends when told (or after
/// `TouchLog::longest`, or with the mount), and what was read goes to the keeper whatever it was.
///
/// A complete image whose boot is known is not recorded by itself: nothing of it will be fetched,
/// and while reads are noted the kernel may not answer them alone.
///
/// Digests are looked up here, once a second, not by the reads: a block that was missing when it
/// was read has its digest by then. Memory: at most 5 MiB while recording.
///
/// The keeper, which may be null (then nothing is recorded), outlives it; it outlives the mount's
/// reads. Destroyed without `finish` (a successor takes the mount over), it drops what it has.
/// Thread-safe; `touches().note` is called by FUSE threads, `tick` by the housekeeper. All but
/// `touches` and `recording` may block on disk I/O.
class MountRecorder {
 public:
  /// `at_once`: the mount is new, its first reads are a boot. False: a running guest was taken
  /// over.
  MountRecorder(std::shared_ptr<LocalImage> image, std::string name, fetcher::ProfileKeeper* keeper,
                bool at_once, RecordingRules rules = {});

  [[nodiscard]] TouchLog& touches() noexcept { return touches_; }
  /// Reads are being noted now: they must come through here.
  [[nodiscard]] bool recording() const noexcept { return touches_.recording(); }
  [[nodiscard]] RecordingStatus status() const WEFT_EXCLUDES(mutex_);

  /// About once a second. `waiting`: a read of the mount waits for a fetch.
  void tick(TimePoint now, bool waiting) WEFT_EXCLUDES(mutex_);
  /// The mount ends: what is being recorded ends with it.
  void finish() WEFT_EXCLUDES(mutex_);

  /// Begins by hand, in place of what was being recorded. Errc::unsupported: nobody keeps profiles.
  [[nodiscard]] Result<void> start() WEFT_EXCLUDES(mutex_);
  /// Ends a recording, however it began, and gives it to the keeper. Errc::bad_request: none is
  /// under way, or nothing was read; the keeper's error.
  [[nodiscard]] Result<fetcher::BootProfile> stop() WEFT_EXCLUDES(mutex_);

 private:
  void begin(bool by_hand) WEFT_REQUIRES(mutex_);
  void drain() WEFT_REQUIRES(mutex_);
  void end_by_itself() WEFT_REQUIRES(mutex_);
  [[nodiscard]] BlockCount data_blocks() const;

  const std::shared_ptr<LocalImage> image_;
  const std::string name_;
  fetcher::ProfileKeeper* const keeper_;
  const RecordingRules rules_;
  TouchLog touches_;

  mutable Mutex mutex_;
  std::unique_ptr<BootRecording> recording_ WEFT_GUARDED_BY(mutex_);  // null: none is under way
  bool by_hand_ WEFT_GUARDED_BY(mutex_) = false;
};

}  // namespace weft::fs
