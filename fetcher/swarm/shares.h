// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/range.h"

#include <cstdint>
#include <vector>

/// How the blocks of an image are divided among the nodes that fetch it from one origin. Pure.
namespace weft::fetcher {

/// Which of `members` (> 0) has this key: Lamping and Veach, "A fast, minimal memory, consistent
/// hash algorithm" (2014). When members become more, keys move to the new ones only, and few of
/// them.
[[nodiscard]] std::uint32_t jump_hash(std::uint64_t key, std::uint32_t members);
/// The same, and among how many members the key moves on.
struct Jump {
  std::uint32_t member = 0;
  std::uint64_t until = 0;  ///< with so many, another has it
};
[[nodiscard]] Jump jump(std::uint64_t key, std::uint32_t members);

/// An image cut into *pieces*: one batch of blocks each, the smallest that is worth asking for.
/// Large images have larger pieces, so that there are never more than 2^16.
class Pieces {
 public:
  explicit Pieces(BlockCount blocks);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] BlockRange range(std::uint64_t piece) const;
  [[nodiscard]] std::uint64_t of(BlockIndex block) const { return block.value() >> shift_; }

 private:
  std::uint64_t blocks_;
  unsigned shift_;
};

/// A node's part of an image, at one origin.
struct Share {
  std::uint32_t members = 0;  ///< nodes among which it is divided; 0: it is not
  std::uint32_t slot = 0;     ///< which of them this node is
  friend bool operator==(const Share&, const Share&) = default;
};

/// The pieces of a share; first those that stay with this node while the members become more. All,
/// if nothing is divided. Every node computes the same.
[[nodiscard]] std::vector<std::uint32_t> pieces_of(const Share& share, const Pieces& pieces);

}  // namespace weft::fetcher
