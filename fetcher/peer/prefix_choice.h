// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/tree_pack.h"
#include "indexer/tree/tree_node.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

/// Which nodes of the receiver's trees a pack is compressed against. Pure.
namespace weft::fetcher {

/// How many nodes of the bases may be looked at for a pack of `wanted` nodes: for one that a guest
/// waits for a few, for many those of whole images.
[[nodiscard]] std::uint64_t nodes_to_search(std::uint64_t wanted);

/// Where in a base with this shape to look, best first: at the same places, their neighbourhood,
/// and, among the leaves, the rest of the image, or as much around them as makes up `limit` nodes.
/// The runs are inside the shape and may overlap.
[[nodiscard]] std::vector<wire::NodeRun> places_to_search(std::span<const wire::NodeRun> wanted,
                                                          const TreeShape& base,
                                                          std::uint64_t limit);

/// The prefix of one pack, while it is being chosen: takes a node if it has a digest that is wanted
/// and that no node taken before has. So what many relatives share is in the prefix once, and the
/// receiver loads little more than its matches need.
class PrefixChoice {
 public:
  /// `limit`: nodes of the prefix. Wanted are the digests in `nodes`, which are whole nodes.
  PrefixChoice(std::span<const std::byte> nodes, std::uint64_t limit);

  /// A node of `bases[base]`. Bases are offered one after the other, most similar first.
  void offer(std::uint8_t base, TreeNode node, const NodeBytes& bytes);
  /// Nothing more will be taken.
  [[nodiscard]] bool done() const { return keys_.empty() || taken_.size() >= limit_; }
  /// What was taken, in the order of the prefix: the most similar base last, next to the nodes.
  /// Nodes that lie close together make one run with what is between them.
  [[nodiscard]] std::vector<wire::PrefixRun> runs() const;

 private:
  struct Taken {
    std::uint8_t base;
    TreeNode node;
  };
  std::unordered_set<std::uint64_t> keys_;  // first 8 bytes of the digests still to be found
  std::uint64_t limit_;
  std::vector<Taken> taken_;
};

}  // namespace weft::fetcher
