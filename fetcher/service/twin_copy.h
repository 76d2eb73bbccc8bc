// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"

#include <memory>
#include <optional>
#include <vector>

/// Twins brought in from where their content has landed. On a worker.
namespace weft::fetcher {

struct TwinToCopy {
  std::shared_ptr<LocalImage> from;  ///< null: it is not here any more
  BlockIndex first;
  BlockIndex to;
};

/// What became of twins; each is in exactly one of the lists.
struct CopiedTwins {
  std::vector<BlockRange> readable;
  std::vector<BlockRange> failed;    ///< the content is not there, or is not theirs
  std::vector<TwinToCopy> unstored;  ///< the disk would not take them: try again later
  BlockCount copied;                 ///< of `readable`: from this image
  BlockCount joined;                 ///< from another: borrowed, or copied where that fails
  std::optional<Error> store_error;
};
/// `twins` ascend by `to`. A twin of a block of another image is borrowed if the store can.
[[nodiscard]] CopiedTwins copy_twins(LocalImage& image, std::vector<TwinToCopy> twins);

}  // namespace weft::fetcher
