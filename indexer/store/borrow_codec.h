// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

/// Bytes of the `borrow` file (STORE_FORMAT.md, "borrow"): a header, then records that are only
/// ever appended. Pure.
namespace weft {

struct BorrowHeader {
  static constexpr std::size_t size = 64;
  static constexpr std::uint32_t version = 1;
  ImageId image;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// Errc::damaged_state, newer_state.
  [[nodiscard]] static Result<BorrowHeader> decode(std::span<const std::byte> bytes);
};

/// Consecutive blocks of this image that are consecutive in the lender, too. A later record for the
/// same block replaces an earlier one.
struct BorrowRecord {
  static constexpr std::size_t size = 64;
  BlockRange blocks;
  ImageId lender;
  BlockIndex source;  ///< of `blocks.first` in the lender
  friend bool operator==(const BorrowRecord&, const BorrowRecord&) = default;

  [[nodiscard]] std::array<std::byte, size> encode() const;
  /// nullopt for a record that is torn, damaged, empty or does not lie within `image_blocks`.
  [[nodiscard]] static std::optional<BorrowRecord> decode(std::span<const std::byte> bytes,
                                                          BlockCount image_blocks);
};

}  // namespace weft
