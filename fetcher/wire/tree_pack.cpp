// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/tree_pack.h"

#include "indexer/core/units.h"

#include <algorithm>

namespace weft::fetcher::wire {
namespace {

constexpr std::uint64_t max_index = max_image_size.value() / block_size;

bool is_run(const NodeRun& run) {
  return run.level >= 1 && run.level <= max_tree_height && run.count >= 1 &&
         run.count <= max_prefix_nodes && run.first <= max_index - run.count;
}

/// Top levels first, each from the left, with a gap between two runs of a level.
bool is_ordered(std::span<const NodeRun> runs) {
  if (!std::ranges::all_of(runs, is_run)) return false;
  return std::ranges::adjacent_find(runs, [](const NodeRun& a, const NodeRun& b) {
           return a.level == b.level ? b.first <= a.first + a.count : a.level < b.level;
         }) == runs.end();
}

bool are_distinct(std::vector<ImageId> ids) {
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) == ids.end();
}

}  // namespace

bool in_bounds(const TreePackRequest& m) {
  return m.bases.size() <= max_bases && are_distinct(m.bases) &&
         std::ranges::find(m.bases, m.image) == m.bases.end() && !m.nodes.empty() &&
         m.nodes.size() <= max_node_runs && is_ordered(m.nodes) &&
         count_nodes(m.nodes) <= max_packed_nodes;
}

bool in_bounds(const TreePack& m) {
  const bool names_nothing = m.nodes.empty() && m.prefix.empty();
  const bool is_empty_answer = !m.continued && names_nothing && m.bytes.empty() && !m.more;
  const bool is_piece = !m.bytes.empty() && (m.continued ? names_nothing : !m.nodes.empty());
  return (is_empty_answer || is_piece) && m.bytes.size() <= max_pack_piece &&
         m.nodes.size() <= max_node_runs && is_ordered(m.nodes) &&
         count_nodes(m.nodes) <= max_packed_nodes && m.prefix.size() <= max_node_runs &&
         std::ranges::all_of(
             m.prefix,
             [](const PrefixRun& run) { return run.base < max_bases && is_run(run.nodes); }) &&
         count_nodes(m.prefix) <= max_prefix_nodes;
}

std::uint64_t count_nodes(std::span<const NodeRun> runs) {
  std::uint64_t count = 0;
  for (const NodeRun& run : runs)
    count += run.count;
  return count;
}

std::uint64_t count_nodes(std::span<const PrefixRun> runs) {
  std::uint64_t count = 0;
  for (const PrefixRun& run : runs)
    count += run.nodes.count;
  return count;
}

std::vector<NodeRun> to_runs(std::vector<TreeNode> nodes) {
  std::ranges::sort(nodes, [](TreeNode a, TreeNode b) {
    return a.level != b.level ? a.level > b.level : a.index < b.index;
  });
  std::vector<NodeRun> runs;
  for (const TreeNode node : nodes) {
    if (!runs.empty() && runs.back().level == node.level &&
        runs.back().first + runs.back().count == node.index) {
      ++runs.back().count;
    } else {
      runs.push_back({node.level, node.index, 1});
    }
  }
  return runs;
}

std::vector<TreeNode> to_nodes(std::span<const NodeRun> runs) {
  std::vector<TreeNode> nodes;
  nodes.reserve(count_nodes(runs));
  for (const NodeRun& run : runs) {
    for (std::uint32_t i = 0; i < run.count; ++i)
      nodes.push_back({run.level, run.first + i});
  }
  return nodes;
}

}  // namespace weft::fetcher::wire
