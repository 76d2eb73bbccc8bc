// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/store/map_codec.h"
#include "indexer/store/residency_map.h"

#include <cstdint>
#include <memory>
#include <span>

namespace weft {

/// The residency map on disk. Only what is durable in pack and tree may be written to it: the
/// caller syncs those between `snapshot` and `write`.
///
/// Not thread-safe: its owner calls it under the lock that orders flushes.
class MapFile {
 public:
  /// Bits of chunks that changed, as they were at one moment.
  struct ChunkSnapshot {
    MapPlane plane;
    std::uint64_t chunk;
    BlockSet::Kind kind;
    std::unique_ptr<BlockSet::Words> bits;  ///< for `mixed` only: a zero range spans many chunks
  };

  /// A new file with nothing in it but `header`. Not synced.
  [[nodiscard]] static Result<MapFile> create(std::unique_ptr<File> file, const MapHeader& header);
  /// Errc::damaged_state if the header is unreadable or not that of `image`.
  [[nodiscard]] static Result<MapFile> open(std::unique_ptr<File> file, const ImageId& image,
                                            BlockCount blocks);

  [[nodiscard]] const MapHeader& header() const { return header_; }
  /// Enters the bits on disk into `map`. False: some chunk failed its sum and is left out; its
  /// blocks are found again by hashing. Cost grows with the chunks that hold something.
  [[nodiscard]] Result<bool> load(ResidencyMap& map);
  [[nodiscard]] static ChunkSnapshot snapshot(const ResidencyMap& map, MapPlane plane,
                                              std::uint64_t chunk);
  /// `chunks` are in order of plane and chunk.
  [[nodiscard]] Result<void> write(std::span<const ChunkSnapshot> chunks);
  [[nodiscard]] Result<void> write_header(const MapHeader& header);
  [[nodiscard]] Result<void> sync() { return file_->sync(); }
  [[nodiscard]] File& file() { return *file_; }

 private:
  MapFile(std::unique_ptr<File> file, const MapHeader& header)
      : file_(std::move(file)), header_(header), layout_(header.blocks) {}
  [[nodiscard]] Result<bool> load_plane(MapPlane plane, BlockSet& set);
  [[nodiscard]] Result<bool> load_chunk(MapPlane plane, std::uint64_t chunk, const MapEntry& entry,
                                        BlockSet& set);
  [[nodiscard]] Result<void> write_bits(ByteOffset at, const BlockSet::Words& bits);

  std::unique_ptr<File> file_;
  MapHeader header_;
  MapLayout layout_;
};

}  // namespace weft
