// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/alignment.h"
#include "fetcher/profile/boot_order.h"
#include "fetcher/profile/boot_profile.h"
#include "fetcher/service/boot_walk.h"
#include "fetcher/service/layout_walk.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/relative_trees.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

namespace weft::fetcher {

/// What a boot reads according to the profile of a relative, for an image that was never booted.
///
/// Where the content that the profile names is in this image is told by digests alone, so the tree
/// is fetched: first where the relative had that content, then the rest. What is found is wanted in
/// the profile's order. What is not found was changed: it is looked for between what was found
/// around it (`guess_places`). The kernel and the first programs, which updates change, are found
/// by the image's own file system meanwhile (`LayoutWalk`), and come first.
///
/// Ends early where next to nothing of the profile is found, and when as much of the tree was
/// fetched as the profile names blocks. More of it than an eighth of that gives way to blocks.
class RelativeWalk final : public BootWalk {
 public:
  /// `relatives` may be null.
  RelativeWalk(std::shared_ptr<LocalImage> image, const BootProfile& profile,
               std::shared_ptr<RelativeTrees> relatives);
  [[nodiscard]] Result<Wanted> next(std::size_t bulk_nodes) override;

 private:
  struct Window {
    BlockRange blocks;
    std::size_t expected = 0;  ///< so much of the profile was there in the relative
  };
  void choose_windows();
  [[nodiscard]] Result<void> explore(std::size_t bulk_nodes, Wanted& wanted);
  [[nodiscard]] Result<void> search(std::size_t bulk_nodes, Wanted& wanted);
  [[nodiscard]] Result<bool> search_window(BlockRange window, std::size_t bulk_nodes,
                                           Wanted& wanted);
  void guess(Wanted& wanted);
  void want(BlockIndex block, std::size_t slice, Wanted& wanted);
  [[nodiscard]] std::vector<Urgency::Slice> order() const;

  const std::shared_ptr<LocalImage> image_;
  const std::shared_ptr<RelativeTrees> relatives_;
  LayoutWalk layout_;
  bool layout_ended_ = false;
  std::vector<Urgency::Slice> layout_order_;
  std::vector<Urgency::Slice> order_;                      // of what was found
  std::vector<AlignedBlock> blocks_;                       // of the profile, by where they were
  std::vector<std::size_t> slices_;                        // of each
  std::unordered_map<std::uint64_t, std::size_t> by_key_;  // what is not found yet
  std::size_t found_ = 0;
  std::vector<Window> windows_;  // to be searched yet, in this order
  std::set<TreeNode> asked_;
  bool guessed_ = false;
  bool new_order_ = false;
};

}  // namespace weft::fetcher
