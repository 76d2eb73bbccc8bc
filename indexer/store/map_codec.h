// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/block_set.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// Bytes of the `map` file (STORE_FORMAT.md, "map"): header, a table of chunk entries for each of
/// the two planes, then the bits of the chunks that are neither empty nor full. Pure.
namespace weft {

/// Which set of blocks a chunk belongs to.
enum class MapPlane : std::uint8_t {
  own = 0,  ///< resident in the image's own pack
  zero = 1  ///< zero by the tree
};
inline constexpr unsigned map_planes = 2;

struct MapHeader {
  static constexpr std::size_t size = 128;
  static constexpr std::uint32_t version = 1;

  ImageId image;
  BlockCount blocks;
  bool clean = false;     ///< closed with every bit written: nothing to recover
  bool complete = false;  ///< nothing is missing and the whole tree is here; `index` exists
  bool full = false;  ///< every block is in the own pack (zero ones as holes): chunks are unused
  BlockCount implied_zero;  ///< zero blocks that only the tree tells apart from resident ones
  friend bool operator==(const MapHeader&, const MapHeader&) = default;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// Errc::damaged_state; newer_state for a version this code does not know.
  [[nodiscard]] static Result<MapHeader> decode(std::span<const std::byte> bytes);
};

/// One chunk of one plane. An entry that was never written is all zeros and says `none`.
struct MapEntry {
  static constexpr std::size_t size = 16;

  BlockSet::Kind kind = BlockSet::Kind::none;
  std::uint64_t sum = 0;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// An impossible kind decodes as `none`: the blocks are found again by hashing.
  [[nodiscard]] static MapEntry decode(std::span<const std::byte> bytes);
};

/// Sum of an entry: XXH3 over image, plane, chunk, kind and, for `mixed`, the XXH3 of the bits.
/// Binds the bits to their place, so that a stray write of another chunk's page is not believed.
[[nodiscard]] std::uint64_t map_entry_sum(const ImageId& image, MapPlane plane, std::uint64_t chunk,
                                          BlockSet::Kind kind, const BlockSet::Words* bits);

/// Offsets in the file.
struct MapLayout {
  explicit MapLayout(BlockCount blocks);
  std::uint64_t chunks;

  [[nodiscard]] ByteOffset entry(MapPlane plane, std::uint64_t chunk) const;
  [[nodiscard]] ByteOffset bits(MapPlane plane, std::uint64_t chunk) const;
  [[nodiscard]] ByteCount table_size() const;  ///< of one plane, in whole pages
  [[nodiscard]] ByteCount file_size() const;
};

}  // namespace weft
