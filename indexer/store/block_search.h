// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/digest_index.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace weft {

/// Blocks looked for by digest, in one image after another: the wanted keys are sorted once, then
/// merged with the index of each image, and what is found drops out of the next merge. Pure but for
/// what it is given to ask. For one thread.
class BlockSearch {
 public:
  /// The digests of consecutive blocks of an image: its tree.
  using Digests = std::function<Result<void>(BlockIndex first, std::span<Digest> out)>;
  /// Whether a block of the image is of use to the caller. Asked before its digest is compared.
  using Usable = std::function<bool(BlockIndex)>;
  /// Called for each digest found, by position in what was wanted; equal ones are found together.
  /// False: look on.
  using Take = std::function<bool(std::size_t wanted, BlockIndex)>;

  /// `digests` outlives this. Zero digests are not looked for.
  explicit BlockSearch(std::span<const Digest> digests);

  /// Nothing is left to look for.
  [[nodiscard]] bool done() const noexcept { return keys_.empty(); }

  /// Entries of `index` that may be wanted blocks.
  struct Candidate {
    BlockIndex block;
    std::uint32_t position;  ///< in the sorted keys
  };
  [[nodiscard]] Result<std::vector<Candidate>> candidates(const DigestIndex& index) const;
  /// Compares the digests of those that are usable and calls `take`. Each leaf of the image's tree
  /// is read once. Candidates whose digests cannot be read are none.
  void settle(std::vector<Candidate> candidates, const Usable& usable, const Digests& digests,
              const Take& take);

 private:
  void drop_found(const std::vector<bool>& found);

  /// Equal digests that are wanted: a part of `order_`.
  struct Group {
    std::uint32_t first;
    std::uint32_t count;
  };
  const std::span<const Digest> digests_;
  std::vector<std::uint32_t> order_;  // positions in `digests_` by digest
  std::vector<DigestKey> keys_;       // of what is still looked for, ascending
  std::vector<Group> groups_;         // the same
};

}  // namespace weft
