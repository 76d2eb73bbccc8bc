// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/units.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weft {

/// The first 128 bytes of an `index` file (STORE_FORMAT.md). Pure.
struct IndexHeader {
  static constexpr std::size_t size = 128;

  ImageId image;
  std::uint64_t entries = 0;
  std::uint64_t fences_sum = 0;  ///< XXH3 of the fences
  bool whole = false;            ///< of the whole tree
  std::uint64_t distinct = 0;    ///< distinct keys
  BlockCount covered;            ///< data blocks of the tree that was here

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// Errc::damaged_state: not a header, fails its sum, of an older version, or impossible numbers.
  /// newer_state.
  [[nodiscard]] static Result<IndexHeader> decode(std::span<const std::byte> bytes);
  friend bool operator==(const IndexHeader&, const IndexHeader&) = default;
};

}  // namespace weft
