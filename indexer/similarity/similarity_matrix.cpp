// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/similarity_matrix.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace weft {
namespace {

struct Weighed {
  std::uint64_t keys;
  ClusterNumber number;
};

std::string bit_string(const std::vector<bool>& bits) {
  std::string text;
  for (const bool bit : bits)
    text += bit ? '1' : '0';
  return text;
}

// The heaviest clusters. Which ones of equal weight are left out is settled by membership, so that
// the answer does not depend on the order of arrival.
std::vector<std::pair<ClusterNumber, ClusterRow>> heaviest(const ClusterIndex& index,
                                                           std::size_t max_clusters) {
  std::vector<Weighed> all;
  index.for_each_cluster([&](ClusterNumber c, std::uint64_t keys) { all.push_back({keys, c}); });
  if (all.size() > max_clusters) {
    if (max_clusters == 0) return {};
    const auto last = all.begin() + static_cast<std::ptrdiff_t>(max_clusters - 1);
    std::ranges::nth_element(all, last, std::ranges::greater{}, &Weighed::keys);
    const std::uint64_t least = last->keys;
    std::erase_if(all, [&](const Weighed& w) { return w.keys < least; });
  }
  std::vector<std::pair<ClusterNumber, ClusterRow>> rows;
  for (const auto& [keys, number] : all) {
    rows.emplace_back(number, ClusterRow{.membership = bit_string(index.membership(number)),
                                         .blocks = estimate_blocks(keys, index.shift()),
                                         .keys = {}});
  }
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    const double first = a.second.blocks.blocks;
    const double second = b.second.blocks.blocks;
    return first != second ? first > second : a.second.membership > b.second.membership;
  });
  rows.resize(std::min(rows.size(), max_clusters));
  return rows;
}

}  // namespace

SimilarityMatrix similarity_matrix(const ClusterIndex& index, const SimilarityOptions& options) {
  SimilarityMatrix matrix;
  matrix.images = index.images();
  matrix.shift = index.shift();
  for (const ImageId& a : matrix.images) {
    matrix.unique_blocks.push_back(index.unique_blocks(a));
    for (const ImageId& b : matrix.images)
      matrix.shared.push_back(index.shared(a, b));
  }
  std::unordered_map<ClusterNumber, std::size_t> row_of;
  for (auto& [number, row] : heaviest(index, options.max_clusters)) {
    row_of.emplace(number, matrix.clusters.size());
    matrix.clusters.push_back(std::move(row));
  }
  matrix.more_clusters = index.cluster_count() - matrix.clusters.size();
  if (options.keys_per_cluster == 0) return matrix;
  index.for_each_key([&](std::uint64_t key, ClusterNumber number) {
    const auto row = row_of.find(number);
    if (row == row_of.end()) return;
    auto& keys = matrix.clusters[row->second].keys;
    if (keys.size() < options.keys_per_cluster) keys.push_back(key);
  });
  return matrix;
}

}  // namespace weft
