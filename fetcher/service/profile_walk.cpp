// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/profile_walk.h"

#include "fetcher/service/digest_lookup.h"
#include "fetcher/service/graft.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t slices_ahead = 3;      // whose leaves are asked for
constexpr std::size_t slices_together = 16;  // taken in one step: 16 MiB
constexpr std::uint64_t region = tree_fanout * tree_fanout;
constexpr BlockCount searched_together(2 * region);  // 128 MiB
/// A search brings the whole tree: not for one entry of fifty.
constexpr std::size_t few = 50;

}  // namespace

ProfileWalk::ProfileWalk(std::shared_ptr<LocalImage> image, const BootProfile& profile,
                         std::shared_ptr<RelativeTrees> relatives)
    : image_(std::move(image)),
      relatives_(std::move(relatives)),
      own_(profile.image == image_->info().id),
      slices_(boot_slices(profile)) {
  // A relative may be larger.
  const BlockIndex end(image_->shape().blocks().value());
  for (BootSlice& slice : slices_) {
    std::erase_if(slice.entries, [&](const ProfileEntry& entry) {
      if (entry.block < end) return false;
      if (!own_) lost_.try_emplace(entry.key, static_cast<std::size_t>(&slice - slices_.data()));
      return true;
    });
    entries_ += slice.entries.size();
  }
  order_ = hinted_order(slices_);
}

Result<BootWalk::Wanted> ProfileWalk::next(std::size_t bulk_nodes) {
  Wanted wanted;
  if (!std::exchange(order_told_, true)) wanted.order = order_;
  if (next_slice_ < slices_.size()) {
    WEFT_CHECK(take_slices(wanted));
  } else {
    WEFT_CHECK(search(bulk_nodes, wanted));
  }
  return wanted;
}

/// Takes the slices whose leaves are here, up to the first whose are not; asks for those of the
/// next ones.
Result<void> ProfileWalk::take_slices(Wanted& wanted) {
  const std::size_t end = std::min(slices_.size(), next_slice_ + slices_together);
  std::size_t ahead = 0;
  for (std::size_t slice = next_slice_; slice < end && ahead < slices_ahead; ++slice) {
    WEFT_TRY(const Missing missing, look_up(slices_[slice]));
    wanted.nodes.insert(wanted.nodes.end(), missing.nodes.begin(), missing.nodes.end());
    if (missing.nodes.empty() && ahead == 0) {
      WEFT_CHECK(take(slice, wanted));
      next_slice_ = slice + 1;
    } else if (slice == 0 && own_) {
      wanted.blocks = missing.blocks;
      next_slice_ = 1;
    } else {
      ++ahead;
    }
  }
  return {};
}

Result<Missing> ProfileWalk::look_up(const BootSlice& slice) const {
  Missing all;
  std::set<TreeNode> nodes;
  for (const BlockRange& run : hinted_blocks(slice)) {
    WEFT_TRY(const Missing missing, look_up_missing(*image_, run, relatives_.get()));
    all.blocks.insert(all.blocks.end(), missing.blocks.begin(), missing.blocks.end());
    nodes.insert(missing.nodes.begin(), missing.nodes.end());
  }
  all.nodes.assign(nodes.begin(), nodes.end());
  return all;
}

/// All its leaves are here.
Result<void> ProfileWalk::take(std::size_t slice, Wanted& wanted) {
  std::vector<BlockIndex> moved;
  for (const ProfileEntry& entry : slices_[slice].entries) {
    const auto digest = image_->block_digest(entry.block);
    if (!digest) continue;  // lost again meanwhile: a read will ask for it
    ++seen_;
    if (digest_key(*digest) == entry.key) {
      ++found_;
      want(entry.block, wanted);
    } else if (!own_) {
      lost_.try_emplace(entry.key, slice);
      if (!digest->is_zero()) moved.push_back(entry.block);
    }
  }
  if (2 * found_ < seen_) return {};
  for (const BlockIndex block : moved)
    want(block, wanted);
  return {};
}

void ProfileWalk::want(BlockIndex block, Wanted& wanted) {
  const BlockRange one{block, BlockCount(1)};
  if (!image_->readable(one)) append_run(wanted.blocks, one);
}

bool ProfileWalk::worth_searching() const {
  return !own_ && lost_.size() * few > entries_ && lost_.size() > 1;
}

/// Looks for what is lost among the blocks that are missing: what is here needs no fetching.
Result<void> ProfileWalk::search(std::size_t bulk_nodes, Wanted& wanted) {
  const BlockIndex end(image_->shape().blocks().value());
  wanted.tree_rests = true;
  if (searched_to_ >= end || !worth_searching()) {
    wanted.finished = true;
    return {};
  }
  const BlockRange window =
      BlockRange::between(searched_to_, std::min(end, searched_to_ + searched_together));
  if (relatives_) {
    (void)graft(*image_, relatives_->open(relatives_->of(image_->info().id)), window);
  }
  WEFT_TRY(const TreeAhead tree, look_up_tree(*image_, window, bulk_nodes));
  wanted.nodes = tree.nodes;
  const BlockRange known = BlockRange::between(searched_to_, tree.complete_to);
  if (known.empty()) return {};
  WEFT_TRY(const BlocksAhead ahead, look_up_blocks(*image_, known, searched_together));
  WEFT_TRY(const auto keyed, keyed_blocks(*image_, ahead.blocks));
  bool any = false;
  for (const Twins::Keyed& block : keyed) {
    const auto entry = lost_.find(block.key);
    if (entry == lost_.end()) continue;
    any = true;
    append_run(order_[entry->second].blocks, {block.block, BlockCount(1)});
    want(block.block, wanted);
    lost_.erase(entry);
  }
  if (any) wanted.order = order_;
  searched_to_ = ahead.looked_to;
  return {};
}

}  // namespace weft::fetcher
