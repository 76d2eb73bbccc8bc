// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"
#include "indexer/store/block_set.h"

#include <cstdint>
#include <optional>

namespace weft {

/// Where the bytes of a block are.
enum class Place : std::uint8_t {
  missing,
  own,       ///< the image's pack
  zero,      ///< nowhere: the tree says the block is zero
  source,    ///< the admin's file, for an image imported in place
  borrowed,  ///< the pack of another image
};

/// What is known about each block of one image, in memory. Pure: no file is touched here.
///
/// A block is readable if at least one of the four sets claims it; where several do, the order of
/// `Place` decides. A block that no set claims is missing, whatever it was a moment ago: nothing is
/// ever concluded from the absence of a bit. Thread-safe and lock-free like `BlockSet`.
struct ResidencyMap {
  explicit ResidencyMap(BlockCount blocks);

  [[nodiscard]] bool readable(BlockRange range) const noexcept;
  [[nodiscard]] std::optional<BlockRange> next_missing(BlockRange range) const noexcept;
  /// The longest run from `range.first` whose blocks are in one place. `range` is not empty.
  struct Run {
    Place place;
    BlockRange range;
  };
  [[nodiscard]] Run leading_run(BlockRange range) const noexcept;
  /// No set claims these; exact only while nobody changes the map.
  [[nodiscard]] BlockCount count_missing(BlockRange range) const noexcept;

  BlockSet own;
  BlockSet zero;
  BlockSet source;
  BlockSet borrowed;
  /// Blocks whose bytes were compared with their sum or digest since the image was opened.
  BlockSet checked;

 private:
  [[nodiscard]] std::uint64_t readable_word(std::uint64_t index) const noexcept {
    return own.word(index) | zero.word(index) | source.word(index) | borrowed.word(index);
  }
  [[nodiscard]] bool chunk_is_readable(std::uint64_t chunk) const noexcept;
  [[nodiscard]] bool chunk_is_missing(std::uint64_t chunk) const noexcept;
  /// First block of `range` whose readability is `wanted`.
  [[nodiscard]] std::optional<BlockIndex> find(BlockRange range, bool wanted) const noexcept;
};

}  // namespace weft
