// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/units.h"
#include "indexer/similarity/cluster_set.h"
#include "indexer/similarity/key_table.h"
#include "indexer/similarity/signature.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace weft {

/// The clusters of a set of images, and what each two of them share, kept up to date as images come
/// and go. Built from signatures alone.
///
/// *How.* An image X that comes refines the partition of the keys (R. Paige and R. Tarjan, 1987):
/// of each cluster c, the keys that X has become cluster c + X, which cannot exist yet, and the
/// keys that are nowhere become cluster X. The counts that move are what X shares with the members
/// of c. An image that goes is taken out of all memberships; those that become equal are merged.
/// Either takes one pass over the keys and one over the clusters.
///
/// *Exact* as long as all signatures are full and the keys fit into the memory given. When they do
/// not, the sampling threshold of all is halved (`shift` + 1) and the keys above it are dropped, as
/// often as needed. From then on counts are those of the keys below the threshold, a random
/// subset, and results are estimates, unbiased for the reason given at Overlap: the threshold that
/// is reached depends only on keys below those it has passed. A sampled signature raises the
/// threshold of all to its own in the same way. Nothing lowers it again but a new index.
///
/// Pure, single-threaded. An image is known by a *slot* inside, and by its position in `images()`
/// outside.
class ClusterIndex {
 public:
  /// Bounds the n × n matrix: 128 MiB.
  static constexpr std::size_t max_images = 4096;

  /// `memory` bounds keys, clusters and matrix together, what an addition needs for a moment
  /// included. Below about 2^16 keys it is not kept: no shift goes so far.
  explicit ClusterIndex(ByteCount memory) : bound_(memory) {}

  /// `signature` is valid. Nothing happens if the image is here already. Errc::unsupported if it
  /// would be one more than `max_images`.
  [[nodiscard]] Result<void> add(const Signature& signature);
  /// False if the image is not here.
  bool remove(const ImageId& image);

  /// In the order in which they came.
  [[nodiscard]] std::vector<ImageId> images() const;
  [[nodiscard]] bool contains(const ImageId& image) const { return slots_.contains(image); }
  [[nodiscard]] unsigned shift() const noexcept { return shift_; }
  [[nodiscard]] bool is_exact() const noexcept { return shift_ == 0; }
  [[nodiscard]] ByteCount memory() const noexcept;
  [[nodiscard]] std::size_t cluster_count() const noexcept { return clusters_.count(); }
  [[nodiscard]] std::size_t key_count() const noexcept { return table_.size(); }

  /// Distinct blocks of one image; 0 if it is not here.
  [[nodiscard]] BlockCount unique_blocks(const ImageId& image) const;
  /// Distinct blocks that two images share; of an image with itself, all of them. Both are here.
  [[nodiscard]] Overlap shared(const ImageId& a, const ImageId& b) const;

  /// Calls `visit(number, keys)` for every cluster: `keys` is its count of keys below the
  /// threshold.
  void for_each_cluster(auto&& visit) const {
    for (ClusterNumber c = 0; c < clusters_.numbers(); ++c) {
      if (clusters_.keys(c) != 0) visit(c, clusters_.keys(c));
    }
  }
  /// For each image of `images()`: whether the cluster is in it.
  [[nodiscard]] std::vector<bool> membership(ClusterNumber cluster) const;
  /// Calls `visit(key, number)` for every key, in ascending order.
  void for_each_key(auto&& visit) const {
    for (std::size_t i = 0; i < table_.size(); ++i)
      visit(table_.key(i), table_.cluster(i));
  }

  /// For tests: counts, memberships and matrix agree with the keys. Takes long.
  void check_invariants() const;

 private:
  struct Image {
    ImageId id;
    BlockCount unique_blocks;
    std::uint64_t arrival = 0;
    bool used = false;
  };
  struct Touched {
    std::uint32_t keys = 0;  // of this cluster, that the new image has
    ClusterNumber to = 0;
  };
  struct Refinement {
    std::vector<Touched> touched;  // by cluster
    std::size_t absent = 0;        // keys of the new image that are nowhere
    std::size_t new_clusters = 0;
  };

  [[nodiscard]] std::size_t take_slot();
  void resize_matrix(std::size_t slots);
  [[nodiscard]] std::uint64_t& cell(std::size_t a, std::size_t b) {
    return matrix_[a * stride_ + b];
  }
  [[nodiscard]] std::uint64_t cell(std::size_t a, std::size_t b) const {
    return matrix_[a * stride_ + b];
  }
  [[nodiscard]] Refinement refine(std::span<const std::uint64_t> keys) const;
  [[nodiscard]] std::size_t bytes_for(std::size_t keys, std::size_t clusters) const noexcept;
  void apply(std::span<const std::uint64_t> keys, Refinement refinement, std::size_t slot);
  void raise_shift(unsigned shift);
  void compact();
  [[nodiscard]] std::vector<std::uint64_t> count_matrix() const;

  const ByteCount bound_;
  unsigned shift_ = 0;
  KeyTable table_;
  ClusterSet clusters_;
  std::vector<Image> images_;
  std::unordered_map<ImageId, std::size_t> slots_;
  std::uint64_t arrivals_ = 0;
  std::size_t stride_ = 0;             // images that the matrix has room for
  std::vector<std::uint64_t> matrix_;  // keys shared by two slots; on the diagonal, keys of one
};

}  // namespace weft
