// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/chunked_array.h"
#include "indexer/similarity/key_table.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace weft {

/// The memberships of a ClusterIndex: for each cluster which images it is in (bits by *slot*, the
/// number of an image in the index) and how many keys it has. Two clusters never have the same
/// membership, except between `leave` and `merged`. Single-threaded.
class ClusterSet {
 public:
  /// Memory of one cluster when there are `slots` images, with what an addition needs besides.
  [[nodiscard]] static std::size_t bytes_for(std::size_t slots) noexcept;

  /// Makes room for memberships of slots below `slots`.
  void fit(std::size_t slots);

  /// Clusters that exist, and the bound of their numbers.
  [[nodiscard]] std::size_t count() const noexcept { return numbers() - unused_.size(); }
  [[nodiscard]] std::size_t numbers() const noexcept { return keys_.size(); }
  /// 0: no such cluster.
  [[nodiscard]] std::uint64_t keys(ClusterNumber c) const noexcept { return keys_[c]; }
  [[nodiscard]] bool has(ClusterNumber c, std::size_t slot) const noexcept {
    return (words_[c * stride_ + slot / 64] >> slot % 64 & 1) != 0;
  }
  void for_each_member(ClusterNumber c, auto&& visit) const {
    for (std::size_t w = 0; w < stride_; ++w) {
      for (std::uint64_t bits = words_[c * stride_ + w]; bits != 0; bits &= bits - 1) {
        visit(w * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      }
    }
  }

  /// A new cluster of the images of `of` and `slot`, with `keys` keys, which are no longer of `of`.
  ClusterNumber split(ClusterNumber of, std::size_t slot, std::uint64_t keys);
  /// A new cluster of one image.
  ClusterNumber create(std::size_t slot, std::uint64_t keys);
  /// The whole cluster is in image `slot`, too.
  void join(ClusterNumber c, std::size_t slot) noexcept;
  /// Takes one key away. The cluster ends with its last.
  void drop_key(ClusterNumber c);

  /// Takes image `slot` out of all clusters, ends those that are in no image any more and merges
  /// those that have become equal. For each number: the cluster whose keys they are now, or
  /// KeyTable::nowhere.
  [[nodiscard]] std::vector<ClusterNumber> leave(std::size_t slot);
  /// Numbers the clusters anew, without gaps. For each number: the new one.
  [[nodiscard]] std::vector<ClusterNumber> compact();

 private:
  [[nodiscard]] std::span<const std::uint64_t> words(ClusterNumber c) const noexcept {
    return {&words_[c * stride_], stride_};
  }
  [[nodiscard]] std::span<std::uint64_t> words(ClusterNumber c) noexcept {
    return {&words_[c * stride_], stride_};
  }
  [[nodiscard]] ClusterNumber take_number(std::uint64_t keys);
  void end(ClusterNumber c);
  void merge_equal(std::vector<ClusterNumber>& moved);

  std::size_t stride_ = 1;             // words of a membership, a power of two
  ChunkedArray<std::uint64_t> words_;  // by cluster
  ChunkedArray<std::uint64_t> keys_;   // by cluster
  std::vector<ClusterNumber> unused_;
};

}  // namespace weft
