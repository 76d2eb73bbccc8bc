// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/pack_ledger.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::receive, std::move(detail));
}

}  // namespace

PackLedger::PackLedger(const wire::TreePackRequest& request) : bases_(request.bases.size()) {
  const std::vector<TreeNode> nodes = wire::to_nodes(request.nodes);
  open_.insert(nodes.begin(), nodes.end());
}

Result<void> PackLedger::accept(wire::TreePack piece) {
  if (piece.continued) {
    if (packs_.empty()) return broken("a piece of a pack that has not begun");
    NodePack& pack = packs_.back();
    pack.bytes.insert(pack.bytes.end(), piece.bytes.begin(), piece.bytes.end());
  } else if (!piece.nodes.empty()) {
    for (const TreeNode node : wire::to_nodes(piece.nodes)) {
      if (open_.erase(node) > 0) continue;
      return broken("it packed a tree node that was not asked for, or twice");
    }
    if (std::ranges::any_of(piece.prefix, [&](const auto& run) { return run.base >= bases_; })) {
      return broken("it packed tree nodes with a base that was not offered");
    }
    packs_.push_back({std::move(piece.nodes), std::move(piece.prefix), std::move(piece.bytes)});
  }
  if (packs_.empty()) return {};
  const NodePack& pack = packs_.back();
  if (pack.bytes.size() <= wire::max_pack_size(wire::count_nodes(pack.nodes))) return {};
  return broken("a pack is larger than what is in it");
}

}  // namespace weft::fetcher
