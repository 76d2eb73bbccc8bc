// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/lookup.h"

#include <algorithm>
#include <optional>
#include <set>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t first_leaves = 16;  // asked for below an unknown subtree: 8 MiB of image

/// First run of `range` that is not readable and may hold data.
std::optional<BlockRange> next_wanted(LocalImage& image, BlockRange range) {
  while (!range.empty()) {
    const auto missing = image.next_missing(range);
    if (!missing) return std::nullopt;
    if (const auto data = image.next_data(*missing)) return data;
    range = BlockRange::between(missing->end(), range.end());
  }
  return std::nullopt;
}

BlockRange after(BlockRange whole, BlockIndex from) {
  return BlockRange::between(std::max(whole.first, from), whole.end());
}

/// `top` and the nodes below it on the way to the leaves that start at `block`.
void add_descent(const TreeShape& shape, TreeNode top, BlockIndex block, std::uint64_t leaves,
                 std::set<TreeNode>& nodes) {
  const BlockRange below = shape.blocks_below(top);
  for (std::uint64_t i = 0; i < leaves; ++i) {
    const BlockIndex at = block + BlockCount(i * tree_fanout);
    if (!below.contains(at)) return;
    for (TreeNode node = TreeShape::leaf_of(at); node.level <= top.level;
         node = TreeShape::parent(node)) {
      nodes.insert(node);
      if (node == top) break;
    }
  }
}

}  // namespace

void resolve_missing(LocalImage& image, BlockRange range) {
  const auto missing =
      image.next_missing(intersect(range, {BlockIndex(0), image.shape().blocks()}));
  if (missing) (void)image.resolve(BlockRange::between(missing->first, range.end()));
}

Result<Missing> look_up_missing(LocalImage& image, BlockRange range) {
  Missing found;
  std::set<TreeNode> nodes;
  range = intersect(range, {BlockIndex(0), image.shape().blocks()});
  while (const auto run = next_wanted(image, range)) {
    found.blocks.push_back(*run);
    for (BlockIndex at = run->first; at < run->end();) {
      WEFT_TRY(const auto top, image.first_missing_node(at));
      if (top) add_descent(image.shape(), *top, at, 1, nodes);
      at = image.shape().blocks_below(TreeShape::leaf_of(at)).end();
    }
    range = after(range, run->end());
  }
  found.nodes.assign(nodes.begin(), nodes.end());
  return found;
}

Result<TreeAhead> look_up_tree(LocalImage& image, BlockRange window, std::size_t limit) {
  TreeAhead found{{}, window.end()};
  std::set<TreeNode> nodes;
  bool complete = true;
  while (const auto run = image.next_data(window)) {
    BlockIndex at = run->first;
    while (at < run->end()) {
      WEFT_TRY(const auto top, image.first_missing_node(at));
      if (!top) {
        at = image.shape().blocks_below(TreeShape::leaf_of(at)).end();
        continue;
      }
      if (complete) found.complete_to = at;
      complete = false;
      if (nodes.size() + image.shape().height() > limit) {
        found.nodes.assign(nodes.begin(), nodes.end());
        return found;
      }
      nodes.insert(*top);
      if (top->level > 1) {
        const std::uint64_t room = (limit - nodes.size()) / image.shape().height();
        add_descent(image.shape(), *top, at, std::min(first_leaves, room), nodes);
      }
      at = image.shape().blocks_below(*top).end();
    }
    window = after(window, at);
  }
  found.nodes.assign(nodes.begin(), nodes.end());
  return found;
}

Result<BlocksAhead> look_up_blocks(LocalImage& image, BlockRange region, BlockCount limit) {
  BlocksAhead found{{}, region.end()};
  BlockCount left = limit;
  while (auto run = next_wanted(image, region)) {
    run->count = std::min(run->count, left);
    found.blocks.push_back(*run);
    left -= run->count;
    region = after(region, run->end());
    if (left == BlockCount(0)) {
      found.looked_to = run->end();
      break;
    }
  }
  return found;
}

std::vector<BlockRange> not_readable(const LocalImage& image,
                                     const std::vector<BlockRange>& ranges) {
  std::vector<BlockRange> missing;
  for (const BlockRange& range : ranges) {
    if (image.readable(range)) continue;
    for (BlockIndex at = range.first; at < range.end(); ++at) {
      if (image.readable({at, BlockCount(1)})) continue;
      if (!missing.empty() && missing.back().end() == at && missing.back().first >= range.first) {
        missing.back().count += BlockCount(1);
      } else {
        missing.push_back({at, BlockCount(1)});
      }
    }
  }
  return missing;
}

std::vector<BlockRange> readable_parts(const LocalImage& image, BlockRange range) {
  std::vector<BlockRange> parts;
  BlockIndex at = range.first;
  for (const BlockRange& gap : not_readable(image, {range})) {
    if (at < gap.first) parts.push_back(BlockRange::between(at, gap.first));
    at = gap.end();
  }
  if (at < range.end()) parts.push_back(BlockRange::between(at, range.end()));
  return parts;
}

}  // namespace weft::fetcher
