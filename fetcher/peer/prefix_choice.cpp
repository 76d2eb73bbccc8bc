// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/prefix_choice.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t most_to_search = 8192;
constexpr std::uint64_t neighbourhood = 8;
// A node more in the prefix costs the receiver a read, a run more 14 bytes on the wire.
constexpr std::uint64_t bridged_gap = 4;

wire::NodeRun clipped(std::uint8_t level, std::uint64_t first, std::uint64_t end,
                      const TreeShape& shape) {
  end = std::min(end, shape.nodes_at(level));
  first = std::min(first, end);
  const std::uint64_t count = std::min<std::uint64_t>(end - first, wire::max_prefix_nodes);
  return {level, first, static_cast<std::uint32_t>(count)};
}

std::uint64_t key_of(std::span<const std::byte> digest) {
  std::uint64_t key = 0;
  std::memcpy(&key, digest.data(), sizeof key);
  return key;
}

template <class Visit>
void for_each_key(std::span<const std::byte> nodes, Visit&& visit) {
  for (std::size_t at = 0; at < nodes.size(); at += digest_size) {
    // Zero blocks need no prefix. (A digest that begins with so many zeros is no loss.)
    if (const std::uint64_t key = key_of(nodes.subspan(at)); key != 0) visit(key);
  }
}

}  // namespace

std::uint64_t nodes_to_search(std::uint64_t wanted) {
  return std::min(64 + 64 * wanted, most_to_search);
}

std::vector<wire::NodeRun> places_to_search(std::span<const wire::NodeRun> wanted,
                                            const TreeShape& base, std::uint64_t limit) {
  std::vector<wire::NodeRun> places;
  const auto add = [&](std::uint8_t level, std::uint64_t first, std::uint64_t end) {
    if (const wire::NodeRun run = clipped(level, first, end, base); run.count > 0) {
      places.push_back(run);
    }
  };
  std::uint64_t first_leaf = ~std::uint64_t{0};
  std::uint64_t leaf_end = 0;
  for (const wire::NodeRun& run : wanted) {
    if (run.level > base.height()) continue;
    const std::uint64_t around = run.level == 1 ? neighbourhood : 0;
    add(run.level, run.first - std::min(run.first, around), run.first + run.count + around);
    if (run.level > 1) continue;
    first_leaf = std::min(first_leaf, run.first);
    leaf_end = std::max(leaf_end, run.first + run.count);
  }
  if (leaf_end == 0) return places;
  const std::uint64_t span = leaf_end - first_leaf;
  const std::uint64_t margin = limit > span ? (limit - span) / 2 : 0;
  const std::uint64_t leaves = base.nodes_at(1);
  const bool whole = leaves <= 2 * limit;  // holes are not looked at, so it may well fit
  std::uint64_t at = whole ? 0 : first_leaf - std::min(first_leaf, margin);
  const std::uint64_t end = whole ? leaves : std::min(leaves, leaf_end + margin);
  for (; at < end; at += wire::max_prefix_nodes)
    add(1, at, end);
  return places;
}

PrefixChoice::PrefixChoice(std::span<const std::byte> nodes, std::uint64_t limit) : limit_(limit) {
  for_each_key(nodes, [this](std::uint64_t key) { keys_.insert(key); });
}

void PrefixChoice::offer(std::uint8_t base, TreeNode node, const NodeBytes& bytes) {
  if (done()) return;
  bool useful = false;
  for_each_key(bytes, [&](std::uint64_t key) { useful |= keys_.erase(key) > 0; });
  if (useful) taken_.push_back({base, node});
}

std::vector<wire::PrefixRun> PrefixChoice::runs() const {
  std::vector<Taken> sorted = taken_;
  std::ranges::sort(sorted, [](const Taken& a, const Taken& b) {
    if (a.base != b.base) return a.base > b.base;
    return a.node.level != b.node.level ? a.node.level > b.node.level : a.node.index < b.node.index;
  });
  std::vector<wire::PrefixRun> runs;
  std::uint64_t spare = limit_ - std::min<std::uint64_t>(limit_, sorted.size());
  for (const auto& [base, node] : sorted) {
    if (!runs.empty() && runs.back().base == base && runs.back().nodes.level == node.level) {
      wire::NodeRun& last = runs.back().nodes;
      const std::uint64_t gap = node.index - (last.first + last.count);
      if (gap <= std::min(bridged_gap, spare)) {
        last.count += static_cast<std::uint32_t>(gap + 1);
        spare -= gap;
        continue;
      }
    }
    runs.push_back({base, {node.level, node.index, 1}});
  }
  // Too scattered to be listed: the most similar bases are at the end.
  const std::size_t surplus = runs.size() - std::min<std::size_t>(runs.size(), wire::max_node_runs);
  runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(surplus));
  return runs;
}

}  // namespace weft::fetcher
