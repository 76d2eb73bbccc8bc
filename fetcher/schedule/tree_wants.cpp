// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/tree_wants.h"

#include "indexer/core/assert.h"

#include <algorithm>

namespace weft::fetcher {

void TreeWants::want(TreeNode node, wire::Priority priority) {
  const auto [it, added] = nodes_.try_emplace(node);
  if (added) {
    it->second.priority = priority;
    ++wanted_;
  } else {
    it->second.priority = std::min(it->second.priority, priority);
  }
}

std::vector<TreeNode> TreeWants::askable(PeerId peer, wire::Priority at_least,
                                         std::size_t limit) const {
  std::vector<TreeNode> found;
  if (wanted_ == 0) return found;
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
    const Node& node = it->second;
    if (node.stage != Stage::wanted || node.priority > at_least || node.lacks.contains(peer)) {
      continue;
    }
    found.push_back(it->first);
  }
  // Top levels first, each from the left: a node is of no use before its ancestors.
  std::ranges::sort(found, [](TreeNode a, TreeNode b) {
    return a.level != b.level ? a.level > b.level : a.index < b.index;
  });
  if (found.size() > limit) found.resize(limit);
  return found;
}

bool TreeWants::any_wanted(wire::Priority at_least) const {
  return wanted_ != 0 && std::ranges::any_of(nodes_, [&](const auto& entry) {
           return entry.second.stage == Stage::wanted && entry.second.priority <= at_least;
         });
}

void TreeWants::sent(std::span<const TreeNode> nodes, NodeFetchId fetch) {
  for (const TreeNode& node : nodes) {
    Node& entry = nodes_.at(node);
    WEFT_ASSERT(entry.stage == Stage::wanted, "node asked for twice");
    entry.stage = Stage::in_flight;
    entry.fetch = fetch;
    --wanted_;
  }
}

bool TreeWants::answered(NodeFetchId fetch, PeerId peer, std::span<const TreeNode> present,
                         TimePoint lacks_until) {
  bool clean = true;
  for (const TreeNode& node : present) {
    const auto it = nodes_.find(node);
    if (it == nodes_.end() || it->second.stage != Stage::in_flight || it->second.fetch != fetch) {
      clean = false;
      continue;
    }
    it->second.stage = Stage::landing;
  }
  for (auto& [node, entry] : nodes_) {
    if (entry.stage != Stage::in_flight || entry.fetch != fetch) continue;
    entry.stage = Stage::wanted;
    entry.lacks.insert(peer);
    entry.lacks_until = lacks_until;
    ++wanted_;
  }
  return clean;
}

void TreeWants::failed(NodeFetchId fetch) {
  for (auto& [node, entry] : nodes_) {
    if (entry.stage != Stage::in_flight || entry.fetch != fetch) continue;
    entry.stage = Stage::wanted;
    ++wanted_;
  }
}

void TreeWants::landed(TreeNode node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  if (it->second.stage == Stage::wanted) --wanted_;
  nodes_.erase(it);
}

void TreeWants::returned(TreeNode node) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end() || it->second.stage != Stage::landing) return;
  it->second.stage = Stage::wanted;
  ++wanted_;
}

std::optional<NodeFetchId> TreeWants::fetch_of(TreeNode node) const {
  const auto it = nodes_.find(node);
  const bool in_flight = it != nodes_.end() && it->second.stage == Stage::in_flight;
  return in_flight ? std::optional(it->second.fetch) : std::nullopt;
}

void TreeWants::forget_lacks(TimePoint now) {
  for (auto& [node, entry] : nodes_) {
    if (!entry.lacks.empty() && now >= entry.lacks_until) entry.lacks.clear();
  }
}

bool TreeWants::awaits_leaf(BlockRange range) const {
  if (range.empty() || nodes_.empty()) return false;
  const TreeNode first = TreeShape::leaf_of(range.first);
  const TreeNode last = TreeShape::leaf_of(BlockIndex(range.end().value() - 1));
  const auto it = nodes_.lower_bound(first);
  return it != nodes_.end() && it->first <= last;
}

void TreeWants::drop_prefetch() {
  std::erase_if(nodes_, [&](const auto& entry) {
    const bool drop =
        entry.second.stage == Stage::wanted && entry.second.priority > wire::Priority::demand;
    if (drop) --wanted_;
    return drop;
  });
}

void TreeWants::check_invariants() const {
  const auto wanted = std::ranges::count_if(
      nodes_, [](const auto& entry) { return entry.second.stage == Stage::wanted; });
  WEFT_ASSERT(static_cast<std::size_t>(wanted) == wanted_, "count of wanted nodes is off");
}

}  // namespace weft::fetcher
