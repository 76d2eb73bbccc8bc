// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_map.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weft {
namespace {

constexpr std::uint64_t group_blocks = 256 * tree_fanout;

BorrowMap::Run cut(const BorrowMap::Run& run, BlockRange to) {
  const BlockRange blocks = intersect(run.blocks, to);
  return {blocks, run.lender, run.source + (blocks.first - run.blocks.first)};
}

std::uint64_t leaf_of(BlockIndex block) {
  return block.value() / tree_fanout;
}

BlockRange leaf_blocks(std::uint64_t leaf) {
  return {BlockIndex(leaf * tree_fanout), BlockCount(tree_fanout)};
}

// Puts `run` in its place among sorted runs, cutting away what it covers.
void replace(std::vector<BorrowMap::Run>& runs, const BorrowMap::Run& run) {
  std::vector<BorrowMap::Run> out;
  out.reserve(runs.size() + 2);
  const auto before = BlockRange::between(BlockIndex(0), run.blocks.first);
  const auto after = BlockRange::between(run.blocks.end(), BlockIndex(~std::uint64_t{0}));
  for (const auto& old : runs) {
    if (!intersect(old.blocks, before).empty()) out.push_back(cut(old, before));
  }
  out.push_back(run);
  for (const auto& old : runs) {
    if (!intersect(old.blocks, after).empty()) out.push_back(cut(old, after));
  }
  runs = std::move(out);
}

}  // namespace

BorrowMap::BorrowMap(BlockCount blocks)
    : groups_count_((blocks.value() + group_blocks - 1) / group_blocks),
      groups_(new std::atomic<Group*>[groups_count_]()) {}

BorrowMap::~BorrowMap() {
  for (std::uint64_t g = 0; g < groups_count_; ++g)
    delete groups_[g].load();
}

const BorrowMap::LeafRuns* BorrowMap::leaf_runs(std::uint64_t leaf) const noexcept {
  const Group* group = groups_[leaf / leaves_per_group].load(std::memory_order_acquire);
  if (group == nullptr) return nullptr;
  return (*group)[leaf % leaves_per_group].load(std::memory_order_acquire);
}

std::optional<BorrowMap::Run> BorrowMap::find(BlockIndex block) const noexcept {
  const LeafRuns* runs = leaf_runs(block.value() / tree_fanout);
  if (runs == nullptr) return std::nullopt;
  const auto after =
      std::ranges::upper_bound(*runs, block, {}, [](const Run& run) { return run.blocks.first; });
  if (after == runs->begin()) return std::nullopt;
  const Run& run = *std::prev(after);
  if (!run.blocks.contains(block)) return std::nullopt;
  return cut(run, BlockRange::between(block, run.blocks.end()));
}

void BorrowMap::add(std::span<const Run> runs) {
  std::map<std::uint64_t, LeafRuns> by_leaf;
  for (const Run& run : runs) {
    BlockRange rest = run.blocks;
    while (!rest.empty()) {
      const std::uint64_t leaf = leaf_of(rest.first);
      const Run part = cut(run, intersect(rest, leaf_blocks(leaf)));
      by_leaf[leaf].push_back(part);
      rest = BlockRange::between(part.blocks.end(), rest.end());
    }
  }
  for (const auto& [leaf, parts] : by_leaf)
    add_to_leaf(leaf, parts);
}

void BorrowMap::add_to_leaf(std::uint64_t leaf, std::span<const Run> added) {
  auto& slot = groups_[leaf / leaves_per_group];
  Group* group = slot.load(std::memory_order_relaxed);
  if (group == nullptr) {
    group = new Group();
    slot.store(group, std::memory_order_release);
  }
  auto& published = (*group)[leaf % leaves_per_group];
  const LeafRuns* before = published.load(std::memory_order_relaxed);
  auto fresh = std::make_unique<LeafRuns>(before != nullptr ? *before : LeafRuns{});
  for (const Run& run : added)
    replace(*fresh, run);
  published.store(fresh.get(), std::memory_order_release);
  owned_.push_back(std::move(fresh));
}

std::vector<BorrowMap::Run> BorrowMap::runs(BlockRange range) const {
  std::vector<Run> out;
  if (range.empty()) return out;
  const std::uint64_t last = (range.end().value() - 1) / tree_fanout;
  for (std::uint64_t leaf = range.first.value() / tree_fanout; leaf <= last; ++leaf) {
    if (groups_[leaf / leaves_per_group].load(std::memory_order_acquire) == nullptr) {
      leaf = (leaf / leaves_per_group + 1) * leaves_per_group - 1;
      continue;
    }
    if (const LeafRuns* runs = leaf_runs(leaf)) out.insert(out.end(), runs->begin(), runs->end());
  }
  return out;
}

}  // namespace weft
