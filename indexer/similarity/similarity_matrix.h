// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/cluster_index.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What a ClusterIndex knows, for people and programs to read. Pure.
namespace weft {

/// One cluster: a row of the similarity matrix.
struct ClusterRow {
  std::string membership;           ///< '1' or '0' for each image, in their order
  Estimate blocks;                  ///< weight: distinct blocks, `block_size` bytes each
  std::vector<std::uint64_t> keys;  ///< the first few of its keys, ascending
};

/// Rows = clusters, columns = images, cells = the membership bits; and what follows from it, the
/// blocks that each two images share.
struct SimilarityMatrix {
  std::vector<ImageId> images;
  std::vector<BlockCount> unique_blocks;  ///< by image
  std::vector<ClusterRow> clusters;       ///< heaviest first; equal weights by membership
  std::size_t more_clusters = 0;          ///< left out, by `max_clusters`
  std::vector<Overlap> shared;            ///< image × image, row by row
  unsigned shift = 0;                     ///< 0: everything is exact

  [[nodiscard]] const Overlap& shared_by(std::size_t a, std::size_t b) const {
    return shared[a * images.size() + b];
  }
};

struct SimilarityOptions {
  std::size_t max_clusters = ~std::size_t{0};
  std::size_t keys_per_cluster = 0;
};

/// Images in the order in which they came.
[[nodiscard]] SimilarityMatrix similarity_matrix(const ClusterIndex& index,
                                                 const SimilarityOptions& options);

}  // namespace weft
