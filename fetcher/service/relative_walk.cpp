// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/relative_walk.h"

#include "fetcher/schedule/range_set.h"
#include "fetcher/service/digest_lookup.h"
#include "fetcher/service/graft.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr BlockCount window_size(2 * tree_fanout * tree_fanout);  // 128 MiB
constexpr std::size_t windows_together = 16;
/// Less than one block of fifty is chance.
constexpr std::size_t few = 50;
/// Nodes for which blocks wait, for each entry of the profile.
constexpr std::size_t entries_per_node = 8;
/// The search ends after a node for each entry; small profiles may have so many.
constexpr std::size_t least_nodes = 1024;

}  // namespace

RelativeWalk::RelativeWalk(std::shared_ptr<LocalImage> image, const BootProfile& profile,
                           std::shared_ptr<RelativeTrees> relatives)
    : image_(std::move(image)), relatives_(std::move(relatives)), layout_(image_, relatives_) {
  const std::vector<BootSlice> slices = boot_slices(profile);
  struct Entry {
    BlockIndex was;
    std::uint64_t key;
    std::size_t slice;
  };
  std::vector<Entry> entries;
  for (std::size_t slice = 0; slice < slices.size(); ++slice) {
    order_.push_back({slices[slice].tier, {}});
    for (const ProfileEntry& entry : slices[slice].entries)
      entries.push_back({entry.block, entry.key, slice});
  }
  std::ranges::sort(entries, {}, &Entry::was);
  for (const Entry& entry : entries) {
    by_key_.try_emplace(entry.key, blocks_.size());
    blocks_.push_back({entry.was, {}});
    slices_.push_back(entry.slice);
  }
  choose_windows();
}

/// Those in which the relative had most of it first.
void RelativeWalk::choose_windows() {
  std::map<std::uint64_t, std::size_t> expected;
  for (const AlignedBlock& block : blocks_)
    ++expected[block.was.value() / window_size.value()];
  const BlockIndex end(image_->shape().blocks().value());
  for (BlockIndex at(0); at < end; at = at + window_size) {
    windows_.push_back({BlockRange::between(at, std::min(end, at + window_size)),
                        expected[at.value() / window_size.value()]});
  }
  std::ranges::sort(windows_, [](const Window& a, const Window& b) {
    return std::pair(b.expected, a.blocks.first) < std::pair(a.expected, b.blocks.first);
  });
}

Result<BootWalk::Wanted> RelativeWalk::next(std::size_t bulk_nodes) {
  Wanted wanted;
  if (!layout_ended_) WEFT_CHECK(explore(bulk_nodes, wanted));
  if (!windows_.empty()) WEFT_CHECK(search(bulk_nodes, wanted));
  if (std::exchange(new_order_, false)) wanted.order = order();
  wanted.finished = layout_ended_ && windows_.empty();
  return wanted;
}

Result<void> RelativeWalk::explore(std::size_t bulk_nodes, Wanted& wanted) {
  WEFT_TRY(wanted, layout_.next(bulk_nodes));
  layout_ended_ = wanted.finished;
  layout_order_ = std::move(wanted.order).value_or(std::move(layout_order_));
  wanted.order.reset();
  new_order_ = true;
  return {};
}

Result<void> RelativeWalk::search(std::size_t bulk_nodes, Wanted& wanted) {
  const std::size_t together = std::min(windows_.size(), windows_together);
  std::vector<Window> left;
  for (std::size_t i = 0; i < together; ++i) {
    WEFT_TRY(const bool known, search_window(windows_[i].blocks, bulk_nodes, wanted));
    if (!known) left.push_back(windows_[i]);
  }
  left.insert(left.end(), windows_.begin() + static_cast<std::ptrdiff_t>(together), windows_.end());
  windows_ = std::move(left);
  wanted.tree_rests = asked_.size() * entries_per_node > blocks_.size();
  if (asked_.size() > std::max(least_nodes, blocks_.size())) windows_.clear();
  if (!windows_.empty() && windows_.front().expected > 0) return {};
  // Everything was searched where something is likely.
  if (found_ * few < blocks_.size()) windows_.clear();  // not a relative
  const bool first = !std::exchange(guessed_, true);
  if (found_ > 0 && (first || windows_.empty())) guess(wanted);
  return {};
}

/// False: its leaves are not all here, and are asked for.
Result<bool> RelativeWalk::search_window(BlockRange window, std::size_t bulk_nodes,
                                         Wanted& wanted) {
  if (wanted.nodes.size() >= bulk_nodes) return false;
  if (relatives_) {
    (void)graft(*image_, relatives_->open(relatives_->of(image_->info().id)), window);
  }
  WEFT_TRY(const TreeAhead tree, look_up_tree(*image_, window, bulk_nodes - wanted.nodes.size()));
  for (const TreeNode node : tree.nodes) {
    if (std::ranges::count(wanted.nodes, node) == 0) wanted.nodes.push_back(node);
    asked_.insert(node);
  }
  if (tree.complete_to < window.end()) return false;
  WEFT_TRY(const BlocksAhead ahead, look_up_blocks(*image_, window, window_size));
  WEFT_TRY(const auto keyed, keyed_blocks(*image_, ahead.blocks));
  for (const Twins::Keyed& block : keyed) {
    const auto entry = by_key_.find(block.key);
    if (entry == by_key_.end()) continue;
    const std::size_t at = entry->second;
    blocks_[at].is = block.block;
    ++found_;
    by_key_.erase(entry);
    want(block.block, slices_[at], wanted);
  }
  return true;
}

void RelativeWalk::guess(Wanted& wanted) {
  const std::vector<Guesses> guesses = guess_places(blocks_);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    for (const auto& place : guesses[i]) {
      if (!place || *place >= BlockIndex(image_->shape().blocks().value())) continue;
      const auto digest = image_->block_digest(*place);
      if (digest && !digest->is_zero()) want(*place, slices_[i], wanted);
    }
  }
}

void RelativeWalk::want(BlockIndex block, std::size_t slice, Wanted& wanted) {
  const BlockRange one{block, BlockCount(1)};
  if (image_->readable(one)) return;
  append_run(order_[slice].blocks, one);
  append_run(wanted.blocks, one);
  new_order_ = true;
}

/// What the image itself names for its start goes first; what it names for later, last.
std::vector<Urgency::Slice> RelativeWalk::order() const {
  std::vector<Urgency::Slice> all;
  plan::Tier reached = 1;
  const auto add = [&](const Urgency::Slice& slice) {
    if (slice.blocks.empty()) return;
    reached = std::max(reached, slice.tier);
    all.push_back({reached, slice.blocks});
  };
  for (const Urgency::Slice& slice : layout_order_) {
    if (slice.tier < soon_tier) add(slice);
  }
  for (const Urgency::Slice& slice : order_)
    add(slice);
  for (const Urgency::Slice& slice : layout_order_) {
    if (slice.tier >= soon_tier) add(slice);
  }
  return all;
}

}  // namespace weft::fetcher
