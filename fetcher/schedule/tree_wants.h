// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/range.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace weft::fetcher {

/// The tree nodes of one image that are on their way here. Pure.
///
/// A node is *wanted*, then *in flight* at one peer, then *landing* (being verified, or waiting for
/// its parent), then forgotten: what is not known here is in the store or nobody needs it. Nodes
/// are asked for by position, so a whole path can be asked for at once.
class TreeWants {
 public:
  /// A node that is on its way already only gets the higher priority.
  void want(TreeNode node, wire::Priority priority);
  /// Wanted nodes of at least this priority that `peer` has not said it lacks; top levels first.
  [[nodiscard]] std::vector<TreeNode> askable(PeerId peer, wire::Priority at_least,
                                              std::size_t limit) const;
  [[nodiscard]] bool any_wanted(wire::Priority at_least) const;
  void sent(std::span<const TreeNode> nodes, NodeFetchId fetch);
  /// The answer: `present` are landing now; the rest is wanted again, from other peers for a while.
  /// False: it contains a node that was not asked for.
  [[nodiscard]] bool answered(NodeFetchId fetch, PeerId peer, std::span<const TreeNode> present,
                              TimePoint lacks_until);
  /// No answer came.
  void failed(NodeFetchId fetch);
  void landed(TreeNode node);
  /// It was wrong or could not be stored: wanted again.
  void returned(TreeNode node);
  void forget_lacks(TimePoint now);

  [[nodiscard]] bool contains(TreeNode node) const { return nodes_.contains(node); }
  /// Null: it is not in flight.
  [[nodiscard]] std::optional<NodeFetchId> fetch_of(TreeNode node) const;
  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  /// Some block of `range` has its leaf on the way.
  [[nodiscard]] bool awaits_leaf(BlockRange range) const;
  /// Forgets wanted nodes of lower priority than demand (a prefetch ended).
  void drop_prefetch();
  void check_invariants() const;

 private:
  enum class Stage : std::uint8_t { wanted, in_flight, landing };
  struct Node {
    Stage stage = Stage::wanted;
    wire::Priority priority = wire::Priority::prefetch;
    NodeFetchId fetch{};
    std::set<PeerId> lacks;
    TimePoint lacks_until{};
  };
  std::map<TreeNode, Node> nodes_;
  std::size_t wanted_ = 0;
};

}  // namespace weft::fetcher
