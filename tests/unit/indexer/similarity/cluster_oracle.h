// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/cluster_index.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace weft::test {

using Membership = std::set<ImageId>;
using Clusters = std::map<Membership, std::vector<std::uint64_t>>;  // keys ascending

/// Clusters by the book: for each key the set of images it is in.
class ClusterOracle {
 public:
  void add(const Signature& signature) { images_[signature.image] = signature; }
  void remove(const ImageId& image) { images_.erase(image); }
  [[nodiscard]] const std::map<ImageId, Signature>& images() const { return images_; }

  [[nodiscard]] Clusters clusters(unsigned shift) const {
    std::map<std::uint64_t, Membership> members;
    for (const auto& [image, signature] : images_) {
      for (const std::uint64_t key : signature.keys) {
        if (key <= last_key(shift)) members[key].insert(image);
      }
    }
    Clusters clusters;
    for (const auto& [key, images] : members)
      clusters[images].push_back(key);
    return clusters;
  }
  [[nodiscard]] std::size_t shared(const ImageId& a, const ImageId& b) const {
    std::vector<std::uint64_t> both;
    std::ranges::set_intersection(images_.at(a).keys, images_.at(b).keys, std::back_inserter(both));
    return both.size();
  }

 private:
  std::map<ImageId, Signature> images_;
};

inline Clusters clusters_of(const ClusterIndex& index) {
  const auto images = index.images();
  std::map<ClusterNumber, Membership> memberships;
  std::map<ClusterNumber, std::uint64_t> counts;
  index.for_each_cluster([&](ClusterNumber c, std::uint64_t keys) {
    const auto bits = index.membership(c);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      if (bits[i]) memberships[c].insert(images[i]);
    }
    counts[c] = keys;
  });
  Clusters clusters;
  index.for_each_key(
      [&](std::uint64_t key, ClusterNumber c) { clusters[memberships.at(c)].push_back(key); });
  // A cluster whose count is wrong is not one of the oracle's.
  for (const auto& [c, keys] : counts) {
    if (clusters[memberships.at(c)].size() != keys) clusters[memberships.at(c)].clear();
  }
  return clusters;
}

}  // namespace weft::test
