// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_map.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr std::uint64_t group_blocks = 256 * tree_fanout;
/// Added at a time, so that adding takes little memory however much is added.
constexpr std::size_t parts_at_once = 8192;

// Puts `run` in its place among sorted runs, cutting away what it covers.
void replace(std::vector<PackedRun>& runs, PackedRun run) {
  if (runs.empty() || runs.back().last() < run.first()) {
    runs.push_back(run);
    return;
  }
  std::vector<PackedRun> out;
  out.reserve(runs.size() + 2);
  for (const PackedRun old : runs) {
    if (old.first() < run.first())
      out.push_back(old.cut(old.first(), std::min(old.last(), run.first() - 1)));
  }
  out.push_back(run);
  for (const PackedRun old : runs) {
    if (old.last() > run.last())
      out.push_back(old.cut(std::max(old.first(), run.last() + 1), old.last()));
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

std::size_t BorrowMap::memory() const noexcept {
  return sizeof(*this) + groups_count_ * sizeof(groups_[0]) + groups_made_ * sizeof(Group) +
         lenders_.memory() + arena_.memory();
}

std::span<const PackedRun> BorrowMap::leaf_runs(std::uint64_t leaf) const noexcept {
  const Group* group = groups_[leaf / leaves_per_group].load(std::memory_order_acquire);
  if (group == nullptr) return {};
  const PackedRun* list = (*group)[leaf % leaves_per_group].load(std::memory_order_acquire);
  if (list == nullptr) return {};
  return {list + 1, list->bits};
}

BorrowMap::Run BorrowMap::unpack(std::uint64_t leaf, PackedRun run) const noexcept {
  const BlockIndex first(leaf * tree_fanout + run.first());
  return {{first, BlockCount(run.last() - run.first() + 1)},
          lenders_.at(run.lender()),
          BlockIndex(run.source())};
}

std::optional<BorrowMap::Run> BorrowMap::find(BlockIndex block) const noexcept {
  const std::uint64_t leaf = block.value() / tree_fanout;
  const std::uint64_t slot = block.value() % tree_fanout;
  const auto runs = leaf_runs(leaf);
  const auto run = std::ranges::lower_bound(runs, slot, {}, &PackedRun::last);
  if (run == runs.end() || run->first() > slot) return std::nullopt;
  return unpack(leaf, run->cut(slot, run->last()));
}

void BorrowMap::add(std::span<const Run> runs) {
  std::vector<Part> parts;
  for (const Run& run : runs) {
    WEFT_ASSERT(run.source + run.blocks.count <= BlockIndex(max_image_size.value() / block_size),
                "a run of a lender larger than images are");
    const auto lender = lenders_.number_of(run.lender);
    if (!lender) continue;
    std::uint64_t source = run.source.value();
    for (std::uint64_t at = run.blocks.first.value(); at < run.blocks.end().value();) {
      const std::uint64_t leaf = at / tree_fanout;
      const std::uint64_t end = std::min((leaf + 1) * tree_fanout, run.blocks.end().value());
      const std::uint64_t slot = at % tree_fanout;
      parts.push_back(
          {leaf, PackedRun::of(slot, slot + (end - at) - 1, *lender, source), parts.size()});
      source += end - at;
      at = end;
      if (parts.size() == parts_at_once) add_parts(parts);
    }
  }
  add_parts(parts);
}

void BorrowMap::add_parts(std::vector<Part>& parts) {
  std::ranges::sort(parts, {}, [](const Part& part) { return std::pair(part.leaf, part.order); });
  std::vector<PackedRun> runs;
  for (auto part = parts.begin(); part != parts.end();) {
    const std::uint64_t leaf = part->leaf;
    const auto before = leaf_runs(leaf);
    runs.assign(before.begin(), before.end());
    for (; part != parts.end() && part->leaf == leaf; ++part)
      replace(runs, part->run);
    publish(leaf, runs);
  }
  parts.clear();
}

void BorrowMap::publish(std::uint64_t leaf, std::span<const PackedRun> runs) {
  auto& slot = groups_[leaf / leaves_per_group];
  Group* group = slot.load(std::memory_order_relaxed);
  if (group == nullptr) {
    group = new Group();
    ++groups_made_;
    slot.store(group, std::memory_order_release);
  }
  PackedRun* const list = arena_.take(runs.size() + 1);
  list[0].bits = runs.size();
  std::ranges::copy(runs, list + 1);
  (*group)[leaf % leaves_per_group].store(list, std::memory_order_release);
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
    for (const PackedRun run : leaf_runs(leaf))
      out.push_back(unpack(leaf, run));
  }
  return out;
}

}  // namespace weft
