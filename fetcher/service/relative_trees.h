// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/mutex.h"
#include "indexer/store/local_image.h"
#include "indexer/store/store.h"

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

namespace weft::fetcher {

/// Local images that share blocks with one that is being fetched, and whose whole trees are here:
/// what tree nodes are copied from and compressed against. They are known from a signature of the
/// image, which a peer gives; without it there are none.
///
/// Keeps their ids, not the images: a relative may be removed while it is being used, and is then
/// just missing. Thread-safe; the methods may block on the disk, but for `of` and `forget`.
class RelativeTrees {
 public:
  static constexpr std::size_t most = 8;

  /// `store` outlives it.
  explicit RelativeTrees(Store& store) : store_(store) {}

  /// Looks for the relatives of `image` again. False: a signature of it would help, and is not
  /// here.
  bool refresh(const ImageId& image);
  void forget(const ImageId& image);

  /// The most similar first, as found by the last `refresh`. Does not block.
  [[nodiscard]] std::vector<ImageId> of(const ImageId& image);
  /// The images at the places of their ids; null where one is not here any more.
  [[nodiscard]] std::vector<std::shared_ptr<LocalImage>> open(const std::vector<ImageId>& ids);

 private:
  Store& store_;
  Mutex mutex_;
  std::map<ImageId, std::vector<ImageId>> relatives_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::fetcher
