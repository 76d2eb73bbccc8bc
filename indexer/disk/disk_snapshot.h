// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/mutex.h"
#include "indexer/core/range.h"
#include "indexer/disk/disk_map.h"
#include "indexer/store/block_set.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>

namespace weft {

/// A disk as it was at one moment, while it goes on being written to.
///
/// The map is copied at that moment; the blocks follow region by region, to a sink: a region is
/// handed over by whoever comes first, the one who reads the snapshot or a writer who is about to
/// change it (`WritableDisk` calls `keep` before it changes a region). So nothing is copied twice,
/// and a writer waits at most for 1 MiB.
class DiskSnapshot {
 public:
  /// Takes blocks that were written, in runs that end with their region at the latest; from any
  /// thread, for different regions at once.
  using Sink = std::function<Result<void>(BlockIndex first, std::span<const std::byte> blocks)>;

  DiskSnapshot(const DiskMap& map, Sink sink);

  [[nodiscard]] const DiskMap& map() const noexcept { return map_; }
  /// Hands over the regions of `range`, unless that has been done. Their locks are held. What goes
  /// wrong is kept for `error`: the writer is not to blame, and goes on.
  void keep(BlockRange range, File& pack);
  [[nodiscard]] std::optional<Error> error() const WEFT_EXCLUDES(mutex_);

 private:
  [[nodiscard]] Result<void> keep_region(BlockRange region, File& pack);

  DiskMap map_;
  const Sink sink_;
  BlockSet kept_;  // numbers of regions
  mutable Mutex mutex_;
  std::optional<Error> error_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft
