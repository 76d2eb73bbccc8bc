// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/boot_order.h"
#include "fetcher/profile/boot_profile.h"
#include "fetcher/schedule/range_set.h"
#include "fetcher/service/boot_walk.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/relative_trees.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace weft::fetcher {

/// What a boot reads according to a profile.
///
/// Slice by slice: the leaves over its blocks first, a few slices ahead, so that what other local
/// images hold is borrowed and not fetched; then what is still missing. Only the first slice of an
/// image's own profile does not wait for its leaves: the guest is about to read it.
///
/// Entries name blocks by key. Where the block that an entry points to has another content than was
/// recorded, the entry is *lost*. In an image's own profile that is an error of the profile, and
/// ends there. In a relative's, the content may be elsewhere: when all slices were looked at, the
/// rest of the tree is searched for it. Besides, the block that took its place is wanted as long as
/// at least half of the entries were found: what a package update changes in place (inode tables,
/// directories) the boot reads all the same.
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
  [[nodiscard]] Result<void> search(std::size_t bulk_nodes, Wanted& wanted);
  [[nodiscard]] bool worth_searching() const;
  void want(BlockIndex block, Wanted& wanted);

  const std::shared_ptr<LocalImage> image_;
  const std::shared_ptr<RelativeTrees> relatives_;
  const bool own_;
  std::vector<BootSlice> slices_;
  std::vector<Urgency::Slice> order_;
  std::size_t entries_ = 0;
  bool order_told_ = false;
  std::size_t next_slice_ = 0;
  std::size_t seen_ = 0;                                 // entries whose leaf was here
  std::size_t found_ = 0;                                // of those, where they were expected
  std::unordered_map<std::uint64_t, std::size_t> lost_;  // key → slice
  BlockIndex searched_to_;
};

}  // namespace weft::fetcher
