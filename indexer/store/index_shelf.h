// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/file_io.h"
#include "indexer/core/mutex.h"
#include "indexer/store/digest_index.h"
#include "indexer/store/image_paths.h"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>

namespace weft {

/// The indexes of images that are closed, a bounded number of them: who looks for a block need not
/// open an image that does not have it. An index costs a file descriptor and 8 bytes per MiB of
/// image. Thread-safe; reads files outside of its lock.
class IndexShelf {
 public:
  static constexpr std::size_t kept = 128;

  /// Null: the image has no index, or none that can be read.
  [[nodiscard]] std::shared_ptr<const DigestIndex> get(FileSystem& fs, const ImagePaths& paths,
                                                       const ImageId& id) WEFT_EXCLUDES(mutex_);
  /// The image was opened, and may write another index; or it is gone.
  void drop(const ImageId& id) WEFT_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::map<ImageId, std::shared_ptr<const DigestIndex>> indexes_ WEFT_GUARDED_BY(mutex_);
  std::deque<ImageId> order_ WEFT_GUARDED_BY(mutex_);  // oldest first; ids that are gone, too
  std::uint64_t drops_ WEFT_GUARDED_BY(mutex_) = 0;
};

}  // namespace weft
