// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"
#include "indexer/store/local_image.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace weft::fs {

/// Brings complete images into packs that the kernel can serve by itself
/// (`LocalImage::make_whole`): in the background, one image at a time, working at most half of the
/// time. It reads each pack once and writes what the image borrows, so it costs as much disk space
/// as that takes.
///
/// An image that cannot be brought in (no room, a block lost meanwhile) is tried again after a
/// minute, or when it has changed. Lifecycle: works from construction to `stop` or destruction,
/// which waits for one step. `wanted` is called on its thread, about once a second.
class PackPreparer {
 public:
  /// The images that mounts would like to have prepared now.
  using Wanted = std::function<std::vector<std::shared_ptr<LocalImage>>()>;

  explicit PackPreparer(Wanted wanted);
  ~PackPreparer() { stop(); }
  PackPreparer(const PackPreparer&) = delete;
  PackPreparer& operator=(const PackPreparer&) = delete;

  void stop() WEFT_EXCLUDES(mutex_);

 private:
  struct Failure {
    std::uint64_t generation;
    TimePoint retry;
  };

  void run();
  [[nodiscard]] std::shared_ptr<LocalImage> next();
  [[nodiscard]] bool still_wanted(const LocalImage& image) const;
  void prepare(LocalImage& image);
  /// Empty: done, not wanted any more, or stopping.
  [[nodiscard]] Result<void> pass(LocalImage& image);
  /// False: stopping.
  [[nodiscard]] bool pause(Duration duration) WEFT_EXCLUDES(mutex_);

  const Wanted wanted_;
  std::map<ImageId, Failure> failures_;  // the thread only

  Mutex mutex_;
  Condition wake_;
  bool stopping_ WEFT_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: uses all of the above
};

}  // namespace weft::fs
