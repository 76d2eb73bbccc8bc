// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/disk/disk_codec.h"
#include "indexer/disk/disk_map.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace weft {

/// The map of a disk as it was at its last flush: what a power cut leaves.
///
/// Each chunk has two pages, written in turn, each with a sum over itself: while one is being
/// written the other one holds, whatever the size of a sector.
///
/// Not thread-safe: its owner calls it under the lock that orders flushes.
class DurableMap {
 public:
  /// Writes a new file. Not synced.
  [[nodiscard]] static Result<void> create(File& file, const DiskHeader& header);
  /// Errc::damaged_state, newer_state.
  [[nodiscard]] static Result<DurableMap> open(std::shared_ptr<File> file);

  [[nodiscard]] const DiskHeader& header() const noexcept { return header_; }
  /// Enters what is on disk into `map`. Cost grows with what was ever written. Errc::damaged_state:
  /// both pages of a chunk are damaged, which no cut does.
  [[nodiscard]] Result<void> load(DiskMap& map);
  /// Puts the chunk in the page that does not hold. What its words claim to be written is durable
  /// in the pack. Not durable before `sync`; until then the same page is written again, so that the
  /// other one goes on holding.
  [[nodiscard]] Result<void> write(std::uint64_t chunk, const DiskMap::Words& words);
  [[nodiscard]] Result<void> sync();

 private:
  /// Which page of a chunk is written next.
  struct Turn {
    std::uint64_t sequence = 0;  ///< of the page that holds; 0: none
    unsigned next = 0;           ///< page that is written next: 0 or 1
  };
  struct Loaded {
    std::optional<DiskChunkPage> page;
    Turn turn;
  };
  DurableMap(std::shared_ptr<File> file, const DiskHeader& header)
      : file_(std::move(file)), header_(header) {}
  [[nodiscard]] Result<Loaded> load_chunk(std::uint64_t chunk);
  [[nodiscard]] static ByteOffset place_of(std::uint64_t chunk, unsigned page);

  std::shared_ptr<File> file_;
  DiskHeader header_;
  std::map<std::uint64_t, Turn> turns_;  // of chunks that were ever written
  std::set<std::uint64_t> unsynced_;
};

}  // namespace weft
