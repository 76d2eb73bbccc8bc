// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_order.h"
#include "fetcher/profile/boot_profile.h"
#include "fetcher/service/boot_walk.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/relative_trees.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace weft::fetcher {

/// What a boot reads according to the image's own profile.
///
/// Slice by slice: the leaves over its blocks first, a few slices ahead, so that what other local
/// images hold is borrowed and not fetched; then what is still missing. Only the first slice does
/// not wait for its leaves: the guest is about to read it.
///
/// Entries name blocks by key. Where the block has another content than was recorded, that is an
/// error of the profile, and the block is left out.
class ProfileWalk final : public BootWalk {
 public:
  /// `relatives` may be null.
  ProfileWalk(std::shared_ptr<LocalImage> image, const BootProfile& profile,
              std::shared_ptr<RelativeTrees> relatives);
  [[nodiscard]] Result<Wanted> next(std::size_t bulk_nodes) override;

 private:
  [[nodiscard]] Result<Missing> look_up(const BootSlice& slice) const;
  [[nodiscard]] Result<void> take(std::size_t slice, Wanted& wanted);
  [[nodiscard]] Result<void> take_slices(Wanted& wanted);

  const std::shared_ptr<LocalImage> image_;
  const std::shared_ptr<RelativeTrees> relatives_;
  std::vector<BootSlice> slices_;
  std::vector<Urgency::Slice> order_;
  bool order_told_ = false;
  std::size_t next_slice_ = 0;
};

}  // namespace weft::fetcher
