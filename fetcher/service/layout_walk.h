// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/layout/layout.h"
#include "fetcher/service/boot_walk.h"
#include "fetcher/service/relative_trees.h"
#include "indexer/store/local_image.h"

#include <cstddef>
#include <memory>

namespace weft::fetcher {

/// What a boot reads of an image without a profile: what its partitions and file systems say
/// (`layout::explore`), explored again whenever what the last exploration asked for is here. At
/// most 64 times, so that an image that leads on and on comes to an end.
class LayoutWalk final : public BootWalk {
 public:
  /// `relatives` may be null.
  LayoutWalk(std::shared_ptr<LocalImage> image, std::shared_ptr<RelativeTrees> relatives);
  [[nodiscard]] Result<Wanted> next(std::size_t bulk_nodes) override;

 private:
  const std::shared_ptr<LocalImage> image_;
  const std::shared_ptr<RelativeTrees> relatives_;
  std::size_t rounds_ = 0;
};

}  // namespace weft::fetcher
