// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/tree_pack.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace weft::fetcher {

/// A whole pack, still compressed. Unpack it on a worker (tree_pack.h). Unverified.
struct NodePack {
  std::vector<wire::NodeRun> nodes;
  std::vector<wire::PrefixRun> prefix;  ///< `base` is a position in the request's `bases`
  std::vector<std::byte> bytes;
};

/// What of a tree-pack request has been answered: puts packs together from their pieces, and finds
/// out a peer that sends nodes nobody asked for, a node twice, a base that was not offered or more
/// bytes than the nodes can take. Pure.
class PackLedger {
 public:
  explicit PackLedger(const wire::TreePackRequest& request);

  /// Errc::peer_misbehaved. `piece` is within its bounds.
  [[nodiscard]] Result<void> accept(wire::TreePack piece);
  [[nodiscard]] std::vector<NodePack> take() { return std::move(packs_); }

 private:
  std::set<TreeNode> open_;
  std::size_t bases_;
  std::vector<NodePack> packs_;
};

}  // namespace weft::fetcher
