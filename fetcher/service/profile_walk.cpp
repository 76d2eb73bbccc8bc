// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/profile_walk.h"

#include "fetcher/service/graft.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t slices_ahead = 3;      // whose leaves are asked for
constexpr std::size_t slices_together = 16;  // taken in one step: 16 MiB

}  // namespace

ProfileWalk::ProfileWalk(std::shared_ptr<LocalImage> image, const BootProfile& profile,
                         std::shared_ptr<RelativeTrees> relatives)
    : image_(std::move(image)), relatives_(std::move(relatives)), slices_(boot_slices(profile)) {
  const BlockIndex end(image_->shape().blocks().value());
  for (BootSlice& slice : slices_)
    std::erase_if(slice.entries, [&](const ProfileEntry& entry) { return entry.block >= end; });
  order_ = hinted_order(slices_);
}

Result<BootWalk::Wanted> ProfileWalk::next(std::size_t /*bulk_nodes*/) {
  Wanted wanted;
  if (!std::exchange(order_told_, true)) wanted.order = order_;
  WEFT_CHECK(take_slices(wanted));
  wanted.finished = next_slice_ == slices_.size();
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
    } else if (slice == 0) {
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
  for (const ProfileEntry& entry : slices_[slice].entries) {
    const auto digest = image_->block_digest(entry.block);
    if (!digest) continue;  // lost again meanwhile: a read will ask for it
    const BlockRange block{entry.block, BlockCount(1)};
    if (digest_key(*digest) == entry.key && !image_->readable(block))
      append_run(wanted.blocks, block);
  }
  return {};
}

}  // namespace weft::fetcher
