// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/chunked_array.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace weft {

/// Number of a cluster within one ClusterIndex; used again when a cluster is gone.
using ClusterNumber = std::uint32_t;

/// Which cluster each key is in: two arrays in key order.
///
/// *Rationale:* sorted arrays take 12 bytes a key and nothing else. An image has keys everywhere in
/// them, so adding one passes over the whole table in any structure; here that is one merge, from
/// the back and in place, at the speed of memory. Single-threaded.
class KeyTable {
 public:
  static constexpr std::size_t entry_size = sizeof(std::uint64_t) + sizeof(ClusterNumber);

  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
  [[nodiscard]] std::uint64_t key(std::size_t i) const noexcept { return keys_[i]; }
  [[nodiscard]] ClusterNumber cluster(std::size_t i) const noexcept { return clusters_[i]; }

  /// Calls `found` with the cluster of each of `keys` (ascending) that is here.
  void match(std::span<const std::uint64_t> keys, auto&& found) const {
    std::size_t at = 0;
    for (const std::uint64_t key : keys) {
      at = lower_bound(key, at);
      if (at == size()) return;
      if (keys_[at] == key) found(clusters_[at]);
    }
  }
  /// Puts `keys` in: those that are here (all but `absent` of them) move from cluster c to
  /// `moved(c)`, the others come to `own`.
  void merge(std::span<const std::uint64_t> keys, std::size_t absent, ClusterNumber own,
             auto&& moved) {
    std::size_t from = size();
    std::size_t to = from + absent;
    resize(to);
    for (std::size_t k = keys.size(); k > 0; --k) {
      const std::uint64_t key = keys[k - 1];
      while (from > 0 && keys_[from - 1] > key)
        set(--to, keys_[from - 1], clusters_[from - 1]), --from;
      if (from > 0 && keys_[from - 1] == key) {
        --from;
        set(--to, key, moved(clusters_[from]));
      } else {
        set(--to, key, own);
      }
    }
  }
  /// Puts every entry into cluster `moved(c)`; those for which that is `nowhere` are dropped.
  void rewrite(auto&& moved) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < size(); ++from) {
      const ClusterNumber cluster = moved(clusters_[from]);
      if (cluster != nowhere) set(to++, keys_[from], cluster);
    }
    resize(to);
  }
  /// Drops the keys above `last`, calling `dropped` with the cluster of each.
  void drop_above(std::uint64_t last, auto&& dropped) {
    std::size_t end = size();
    for (; end > 0 && keys_[end - 1] > last; --end)
      dropped(clusters_[end - 1]);
    resize(end);
  }

  static constexpr ClusterNumber nowhere = ~ClusterNumber{0};

 private:
  void set(std::size_t at, std::uint64_t key, ClusterNumber cluster) {
    keys_[at] = key;
    clusters_[at] = cluster;
  }
  void resize(std::size_t size) {
    keys_.resize(size);
    clusters_.resize(size);
  }
  /// The first entry from `from` on that is not below `key`.
  [[nodiscard]] std::size_t lower_bound(std::uint64_t key, std::size_t from) const noexcept;

  ChunkedArray<std::uint64_t> keys_;
  ChunkedArray<ClusterNumber> clusters_;
};

}  // namespace weft
