// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace weft::bench {

/// A read that the file system has answered. Times of the steady clock.
struct MinimalRead {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  std::chrono::steady_clock::time_point begin;
  std::chrono::steady_clock::time_point end;
};
using MinimalObserver = std::function<void(const MinimalRead&)>;

/// The smallest pass-through file system that FUSE allows: TARGET/disk.raw shows `backing`, read
/// with one pread and one writev per request, without libfuse, checks, locks or statistics; one
/// pinned thread per channel, as the product has. What it cannot do, FUSE cannot do.
///
/// Calls `ready` when mounted and returns when the mount is gone; false: could not mount. Each read
/// is told to `observe`, if there is one, by the thread that answered it.
[[nodiscard]] bool serve_minimal(const std::string& target, const std::string& backing,
                                 unsigned channels, const std::function<void()>& ready,
                                 const MinimalObserver& observe = {});

}  // namespace weft::bench
